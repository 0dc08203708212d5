# Holon in a container: built by the same steps as anywhere else, run by a user without rights.
FROM node:20-bookworm-slim AS node

FROM rust:1-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /holon
COPY . .
ENV HOLON_CACHE_DIR=/cache
RUN --mount=type=cache,target=/cache --mount=type=cache,target=/usr/local/cargo/registry \
    cargo xtask build --release \
    && mkdir -p /out \
    && cp /cache/target/release/holon /out/holon \
    && cp -r /cache/target/site/release /out/site

FROM debian:bookworm-slim
# The database that Holon runs for itself when none is configured; its package must not start a cluster of its own.
RUN mkdir -p /etc/postgresql-common \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && apt-get update \
    && apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold ca-certificates curl postgresql \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 999 holon \
    && useradd --system --uid 999 --gid 999 --no-create-home --home-dir /var/lib/holon --shell /usr/sbin/nologin holon \
    && install --directory --mode 0700 --owner holon --group holon /var/lib/holon
COPY --from=build /out/holon /usr/local/bin/holon
COPY --from=build /out/site /usr/share/holon/site
ENV HOLON_SITE_DIR=/usr/share/holon/site \
    HOLON_DATA_DIR=/var/lib/holon \
    HOLON_BIND=0.0.0.0 \
    HOLON_PORT=8080
# By number: Kubernetes' `runAsNonRoot` takes no name, and a volume keeps the owner it was made with.
USER 999:999
VOLUME /var/lib/holon
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD curl -fsS "http://127.0.0.1:${HOLON_PORT}/health/ready"
CMD ["holon", "serve"]
