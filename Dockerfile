# A team's maestro. The base is an argument, so that it can be an image of your own:
#   docker build --build-arg BASE_IMAGE=python:3.13-slim -t codegen-maestro .
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY requirements/team.txt requirements/team.txt
RUN python3 -m venv /opt/maestro \
    && /opt/maestro/bin/pip install --no-cache-dir --require-hashes -r requirements/team.txt
COPY pyproject.toml README.md LICENSE ./
COPY protocol protocol
COPY maestro maestro
COPY executor executor
RUN /opt/maestro/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/maestro/bin/python -m compileall -q /opt/maestro/lib

FROM ${BASE_IMAGE}
COPY --from=build /opt/maestro /opt/maestro
RUN useradd --system --create-home --home-dir /var/lib/maestro maestro
USER maestro
WORKDIR /var/lib/maestro
ENV PATH=/opt/maestro/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 MAESTRO_LOG_FORMAT=json
EXPOSE 8400
# SIGTERM drains: sockets move at once, generations finish within 30 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8400/ready', timeout=2)"]
CMD ["maestro", "serve", "--host", "0.0.0.0", "--port", "8400"]
