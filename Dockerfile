# econ-ae with everything that the main job needs. Built nowhere in this repository's own checks, which only lint it
# (tests/test_packaging.py): docker build -t econ-ae . && docker run --rm -v "$PWD:/work" econ-ae run --out runs/first
FROM python:3.11-slim-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN python -m venv /opt/econ-ae \
    && /opt/econ-ae/bin/pip install --no-cache-dir -c constraints.txt '.[explore,onnx,parquet,physics,root]'

FROM python:3.11-slim-bookworm
# The system's versions of the tools are those that the tests run with.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ iverilog opensta verilator yosys \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 physicist \
    && mkdir /work \
    && chown physicist /work
COPY --from=build /opt/econ-ae /opt/econ-ae
ENV PATH=/opt/econ-ae/bin:$PATH
USER 1000
WORKDIR /work
RUN econ-ae doctor --need train,rtl,explore,iverilog,yosys
ENTRYPOINT ["econ-ae"]
CMD ["--help"]
