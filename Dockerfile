# syntax=docker/dockerfile:1
# One small image with one binary. It writes nothing but its database under /data, so its root file system may be read-only:
#   docker build -t ringbook --build-arg BUSINESSES_FOLDER=businesses .
#   docker run --read-only -p 8080:8080 -v ringbook:/data --env-file .env -e BUSINESSES=/etc/ringbook/businesses \
#     -v "$PWD/google.json:/etc/ringbook/google.json:ro" -e GOOGLE_CALENDAR_CREDENTIALS=/etc/ringbook/google.json ringbook
# Docker takes a value of .env as it stands, quotes included: write none. The key file must be readable for user 10001.

FROM rust:1.95-slim-trixie AS build
# What is built in beside the usual: `otel` sends spans to a collector.
ARG FEATURES=
WORKDIR /build
# The dependencies first, with an empty program: a change of ours does not compile them again.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/it && echo 'fn main() {}' | tee src/main.rs tests/it/main.rs >/dev/null && touch src/lib.rs \
    && cargo build --release --locked --features "$FEATURES"
COPY askama.toml ./
COPY assistant assistant
COPY twiml twiml
COPY src src
# Cargo compares times, and those of the copied files are older than what the empty program left.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked --features "$FEATURES"

FROM debian:trixie-slim AS base
# Without root certificates no HTTPS client starts.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ringbook \
    && install -d -o ringbook -g ringbook -m 700 /data
COPY --from=build /build/target/release/ringbook /usr/local/bin/ringbook
# The business files as they are when the image is built; mount a folder over this one, or build again.
ARG BUSINESSES_FOLDER=assistant/businesses
COPY ${BUSINESSES_FOLDER} /etc/ringbook/businesses
WORKDIR /data
ENV BIND=0.0.0.0:8080 \
    BUSINESSES=/etc/ringbook/businesses \
    DATABASE_URL=sqlite:///data/ringbook.db \
    LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["ringbook", "serve"]

# For Fly (see fly.toml), whose volumes belong to root when they are new: give ours away, then be nobody special.
FROM base AS fly
CMD ["sh", "-c", "chown ringbook:ringbook /data ${GOOGLE_CALENDAR_CREDENTIALS:-} && exec setpriv --reuid=ringbook --regid=ringbook --init-groups --no-new-privs --inh-caps=-all --bounding-set=-all ringbook serve"]

# For everybody else; the last one is what is built when nobody names a target.
FROM base AS ringbook
USER ringbook
VOLUME /data
