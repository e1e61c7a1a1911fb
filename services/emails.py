"""E-mail addresses, as they are kept and looked up."""

from email_validator import EmailNotValidError, validate_email

from services.errors import Invalid


def read_email(value: str, *path: str | int) -> str:
    """An e-mail address in lower case; Invalid for what is none. Nothing is sent and no name server asked."""
    try:
        return validate_email(value, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise Invalid("It is not an e-mail address.", *(path or ("email",))) from error
