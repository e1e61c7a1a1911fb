# The server as an image: built from the locked requirements, run by a user without rights.
#   docker build -t switchboard . && docker run -p 8000:8000 -v switchboard:/data --env-file .env switchboard

FROM python:3.11-slim AS requirements
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements/serve.lock /serve.lock
# Wheels alone: nothing is compiled, so that no compiler is needed. What is not in the lock is refused.
RUN /venv/bin/pip install --require-hashes --only-binary :all: -r /serve.lock && \
    /venv/bin/pip uninstall -y pip setuptools

# GraphiQL, from its locked packages.
FROM node:22-slim AS page
WORKDIR /build/graph/web
COPY graph/web/package.json graph/web/package-lock.json graph/web/.npmrc ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY graph/web .
RUN npm run --silent build

FROM python:3.11-slim AS source
WORKDIR /app
COPY pyproject.toml schema.graphql ./
COPY migrations migrations
COPY db db
COPY services services
COPY schema schema
COPY graph graph
COPY --from=page /build/graph/static graph/static
# What GraphiQL is built from stays behind.
RUN rm -r graph/web && python -m compileall -q .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home switchboard && install -d -o switchboard -g switchboard /data
WORKDIR /app
COPY --from=requirements /venv /venv
COPY --from=source /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SERVICE_HOST=0.0.0.0 \
    SERVICE_PORT=8000 \
    DATABASE_URL=sqlite:////data/switchboard.db
USER switchboard
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"SERVICE_PORT\"]}/livez', timeout=2)"]
ENTRYPOINT ["python", "-m", "graph"]
CMD ["serve"]
