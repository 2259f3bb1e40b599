# A team's maestro. The base is an argument, so that it can be an image of your own (Debian or
# Ubuntu with python3 3.11 or later and its venv module):
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
RUN useradd --uid 8400 --create-home --home-dir /var/lib/maestro --shell /usr/sbin/nologin maestro
# By number, so that a cluster sees that it is not root.
USER 8400
WORKDIR /var/lib/maestro
ENV PATH=/opt/maestro/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 MAESTRO_LOG_FORMAT=json
EXPOSE 8400
# SIGTERM drains: sockets move at once, generations finish within 30 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=6s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import sys, http.client as h; c = h.HTTPConnection('127.0.0.1', 8400, timeout=5); c.request('GET', '/ready'); r = c.getresponse(); sys.exit(0 if r.status == 200 else r.read().decode())"]
CMD ["maestro", "serve", "--host", "0.0.0.0", "--port", "8400"]
