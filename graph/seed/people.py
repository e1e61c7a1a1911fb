"""Who the demo customers are: sixty people of our own invention, in the scripts that they write their names in."""

from dataclasses import dataclass
from typing import Final

DIALLING: Final = {
    "AE": 971, "AT": 43, "BE": 32, "BG": 359, "BR": 55, "CA": 1, "CH": 41, "CN": 86, "CZ": 420, "DE": 49,
    "DK": 45, "EG": 20, "ES": 34, "FI": 358, "FR": 33, "GB": 44, "GR": 30, "HU": 36, "IE": 353, "IL": 972,
    "IN": 91, "IS": 354, "IT": 39, "JP": 81, "KR": 82, "KZ": 7, "LB": 961, "LT": 370, "MA": 212, "MX": 52,
    "NL": 31, "NO": 47, "PL": 48, "PT": 351, "RO": 40, "SE": 46, "TR": 90, "TW": 886, "UA": 380, "US": 1,
    "VN": 84,
}  # fmt: skip
"""What a telephone number of the country begins with."""


ALSO: Final = {
    "dan.reyes": "daniel.reyes",
    "ollie.hartley": "oliver.hartley",
    "chloe.l": "chloe.lefevre",
}
"""Handles on another channel of people who are known already."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer: its name, how it is spoken to, what it writes in, and where it lives."""

    name: str
    called: str
    language: str
    handle: str
    street: str
    postal_code: str
    city: str
    country: str

    @property
    def phone(self) -> str:
        """A number that nobody has: 555 01… is kept for fiction."""
        return f"+{DIALLING[self.country]} 555 01{sum(map(ord, self.handle)) % 100:02}"

    @property
    def email(self) -> str:
        """The same on every channel."""
        return f"{ALSO.get(self.handle, self.handle)}@example.com"

    @property
    def is_elsewhere(self) -> bool:
        """Whether the same person is a customer on two channels."""
        return self.handle in ALSO or self.handle in ALSO.values()

    @property
    def address(self) -> dict[str, str]:
        """Where its orders go."""
        return {
            "name": self.name,
            "line1": self.street,
            "city": self.city,
            "postal_code": self.postal_code,
            "country_code": self.country,
        }


# Name, how it is spoken to, language, handle, street, postal code, city, country.
TABLE = """
Sofia Almeida | Sofia | pt | sofia.almeida | Rua da Alegria 118 | 4000-034 | Porto | PT
João Figueiredo | João | pt | joao.figueiredo | Rua do Sol 7 | 1200-433 | Lisboa | PT
Inês Conceição | Inês | pt | ines.conceicao | Travessa do Forno 3 | 3000-190 | Coimbra | PT
Thiago Assunção | Thiago | pt | thiago.assuncao | Rua das Palmeiras 240 | 01226-010 | São Paulo | BR
Lucía Ibáñez | Lucía | es | lucia.ibanez | Calle del Pez 31 | 28004 | Madrid | ES
Íñigo Muñoz | Íñigo | es | inigo.munoz | Kale Nagusia 12 | 20003 | Donostia | ES
María José Peña | María José | es | mariajose.pena | Avenida de los Álamos 55 | 06700 | Ciudad de México | MX
Chloé Lefèvre | Chloé | fr | chloe.lefevre | 14 rue des Lilas | 69004 | Lyon | FR
Benoît Garçon | Benoît | fr | benoit.garcon | 3 quai du Port | 44000 | Nantes | FR
Maëlle Dubois-Roy | Maëlle | fr | maelle.dubois | 88 avenue du Parc | H2W 1S4 | Montréal | CA
Jürgen Weiß | Jürgen | de | juergen.weiss | Lindenstraße 42 | 10969 | Berlin | DE
Käthe Grünwald | Käthe | de | kaethe.gruenwald | Am Bach 5 | 79098 | Freiburg | DE
Björn Köhler | Björn | de | bjoern.koehler | Neugasse 16 | 8005 | Zürich | CH
Nicolò D'Amico | Nicolò | en | nicolo.damico | Via dei Mille 9 | 10123 | Torino | IT
Łukasz Wiśniewski | Łukasz | en | lukasz.wisniewski | ul. Polna 21 | 30-001 | Kraków | PL
Zofia Dąbrowska | Zofia | en | zofia.dabrowska | ul. Wodna 4 | 61-781 | Poznań | PL
Jiří Dvořáček | Jiří | en | jiri.dvoracek | Lipová 17 | 602 00 | Brno | CZ
Åsa Söderström | Åsa | en | asa.soderstrom | Fågelvägen 8 | 118 27 | Stockholm | SE
Søren Møller | Søren | en | soren.moller | Havnegade 22 | 8000 | Aarhus | DK
Guðrún Jónsdóttir | Guðrún | en | gudrun.jonsdottir | Hafnargata 11 | 230 | Keflavík | IS
Eeva Mäkinen | Eeva | en | eeva.makinen | Koivutie 6 | 33100 | Tampere | FI
Eszter Kővári | Eszter | en | eszter.kovari | Malom utca 13 | 1095 | Budapest | HU
Ștefan Țurcanu | Ștefan | en | stefan.turcanu | Strada Teiului 30 | 400124 | Cluj-Napoca | RO
Ayşe Yıldırım | Ayşe | en | ayse.yildirim | Çınar Sokak 19 | 34433 | İstanbul | TR
Nguyễn Thị Hạnh | Hạnh | en | nguyen.hanh | 27 Phố Hoa Sen | 100000 | Hà Nội | VN
Rūta Žukauskaitė | Rūta | en | ruta.zukauskaite | Liepų g. 10 | 01141 | Vilnius | LT
Niamh Ó Briain | Niamh | en | niamh.obriain | 5 Quay Lane | H91 T2P5 | Galway | IE
Oliver Hartley | Oliver | en | oliver.hartley | 61 Orchard Road | BS8 4TW | Bristol | GB
Grace Okonjo | Grace | en | grace.okonjo | 12 Mill Street | M4 6EE | Manchester | GB
Daniel Reyes | Daniel | en | daniel.reyes | 408 Cedar Avenue | 97214 | Portland | US
Dan Reyes | Dan | en | dan.reyes | 408 Cedar Avenue | 97214 | Portland | US
Femke de Wit | Femke | en | femke.dewit | Molenpad 33 | 3511 LN | Utrecht | NL
Noor Van Damme | Noor | en | noor.vandamme | Kerkstraat 2 | 9000 | Gent | BE
Ollie Hartley | Ollie | en | ollie.hartley | 61 Orchard Road | BS8 4TW | Bristol | GB
Анна Кузнецова | Анна | ru | anna.kuznetsova | пр. Достык 48 | 050010 | Алматы | KZ
Дмитрий Лебедев | Дмитрий | ru | dmitry.lebedev | Leipziger Weg 9 | 04109 | Leipzig | DE
Ольга Соловьёва | Ольга | ru | olga.solovyova | ул. Сатпаева 12 | 010000 | Астана | KZ
Оксана Ткаченко | Оксана | uk | oksana.tkachenko | вул. Садова 25 | 79008 | Львів | UA
Тарас Мельничук | Тарас | uk | taras.melnychuk | вул. Річкова 3 | 04071 | Київ | UA
Георги Стоянов | Георги | en | georgi.stoyanov | ул. Липа 14 | 1000 | София | BG
Ελένη Παππά | Ελένη | el | eleni.pappa | Οδός Ελαιών 27 | 546 22 | Θεσσαλονίκη | GR
Νίκος Δημητρίου | Νίκο | el | nikos.dimitriou | Οδός Αμφιτρίτης 6 | 117 41 | Αθήνα | GR
Αναστασία Ρήγα | Αναστασία | el | anastasia.riga | Οδός Λιμένος 2 | 731 31 | Χανιά | GR
ليلى حداد | ليلى | ar | layla.haddad | شارع الزيتون ٢٣ | 1103 | بيروت | LB
يوسف المنصوري | يوسف | ar | yousef.almansoori | شارع النخيل ١٨ | 00000 | دبي | AE
سلمى بناني | سلمى | ar | salma.bennani | زنقة الياسمين ٥ | 20250 | الدار البيضاء | MA
كريم عبد الله | كريم | ar | karim.abdallah | شارع البستان ٧ | 11511 | القاهرة | EG
נועה ברגר | נועה | he | noa.berger | רחוב הגפן 9 | 6618355 | תל אביב | IL
איתי שקד | איתי | he | itay.shaked | רחוב הרימון 21 | 3303142 | חיפה | IL
陈雨桐 | 雨桐 | zh | chen.yutong | 梧桐路 88 号 | 200031 | 上海 | CN
王子轩 | 子轩 | zh | wang.zixuan | 湖滨街 15 号 | 310002 | 杭州 | CN
林怡君 | 怡君 | zh | lin.yijun | 和平路三段 42 號 | 106 | 台北 | TW
佐藤 美咲 | 佐藤 | ja | sato.misaki | 桜町 3-12-5 | 604-0931 | 京都 | JP
渡辺 健太 | 渡辺 | ja | watanabe.kenta | 港南 2-8-14 | 231-0023 | 横浜 | JP
김서연 | 서연 | ko | kim.seoyeon | 느티나무로 31 | 04038 | 서울 | KR
박준호 | 준호 | ko | park.junho | 바닷길 77 | 48058 | 부산 | KR
प्रिया शर्मा | प्रिया | hi | priya.sharma | 14 गुलाब मार्ग | 302001 | जयपुर | IN
अर्जुन मेहता | अर्जुन | hi | arjun.mehta | 8 नदी रोड | 411001 | पुणे | IN
Zoë Baumgartner | Zoë | de | zoe.baumgartner | Mühlweg 20 | 6020 | Innsbruck | AT
Chloé L. | Chloé | fr | chloe.l | 14 rue des Lilas | 69004 | Lyon | FR
"""

PEOPLE: Final = tuple(
    Person(*(part.strip() for part in line.split("|"))) for line in TABLE.strip().splitlines()
)
