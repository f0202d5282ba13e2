# SPDX-License-Identifier: Apache-2.0
# gatewhy in a slim image, as an unprivileged user:
#   docker build -t gatewhy .
#   docker run --rm -p 8080:8080 -v ./gatewhy.yaml:/etc/gatewhy/gatewhy.yaml:ro gatewhy
FROM debian:bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends git make
WORKDIR /source
COPY . .
RUN make deb

FROM debian:bookworm-slim
COPY --from=build /source/build/gatewhy_*.deb /tmp/
RUN apt-get update && apt-get install -y --no-install-recommends /tmp/gatewhy_*.deb \
  && rm -rf /tmp/gatewhy_*.deb /var/lib/apt/lists/*
USER 65532:65532
EXPOSE 8080 9180
# SIGTERM starts a drain: allow drain.timeout and a few seconds more.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/bin/gatewhy", "health"]
ENTRYPOINT ["/usr/bin/gatewhy"]
CMD ["run", "-c", "/etc/gatewhy/gatewhy.yaml"]
