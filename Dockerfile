# The images of artgrab, one target each: operator, scraper, downloader, trainer, serving. `bare` stands
# in for the last two where tests bring their packages along. See docs/images.md.
#
#   make images                                  all of them, with docker or buildah
#   docker build --target downloader --tag artgrab-downloader:dev .
#
# Packages come from requirements/*.lock alone, each checked by its hash, and lie in a layer of their
# own: a change of our code makes a layer of a few megabytes. uv leaves locks that all may write.

FROM docker.io/library/python:3.11-slim-bookworm AS tools
# Bytecode is compiled here, as the root of a pod is read only, and is never compared with its source.
ENV PIP_CACHE_DIR=/var/cache/python/pip \
    PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_CACHE_DIR=/var/cache/python/uv \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=1
WORKDIR /build
COPY requirements/bootstrap.lock ./
# hadolint ignore=DL3042 # a cache costs no image anything here: this stage is part of none
RUN pip install --quiet --root-user-action=ignore --require-hashes --requirement bootstrap.lock

FROM tools AS operator-packages
COPY requirements/operator.lock ./
RUN uv venv --quiet /opt/artgrab && \
    uv pip sync --quiet --python /opt/artgrab --require-hashes operator.lock && \
    find /opt/artgrab -name .lock -delete

# Selenium's own fetcher of browsers and drivers goes: 20 MB, and Debian's are there.
FROM tools AS scraper-packages
COPY requirements/scraper.lock ./
RUN uv venv --quiet /opt/artgrab && \
    uv pip sync --quiet --python /opt/artgrab --require-hashes scraper.lock && \
    find /opt/artgrab \( -name .lock -o -name "selenium-manager*" \) -delete

FROM tools AS downloader-packages
COPY requirements/downloader.lock ./
RUN uv venv --quiet /opt/artgrab && \
    uv pip sync --quiet --python /opt/artgrab --require-hashes downloader.lock && \
    find /opt/artgrab -name .lock -delete

# What trainer and serving have in common, torch above all: one layer of both.
FROM tools AS learning-packages
# hadolint ignore=DL3008 # the linker of whatever Debian this is
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends binutils && \
    rm -rf /var/lib/apt/lists/*
COPY requirements/serving.lock requirements/trainer.lock scripts/without-cuda ./
# Headers and compilers are for those who build upon these packages. At the end torch must start.
RUN awk '/^[a-z]/ {take = seen[$1]++} take && NR != FNR' serving.lock trainer.lock >common.lock && \
    uv venv --quiet /opt/artgrab && \
    uv pip sync --quiet --python /opt/artgrab --require-hashes common.lock && \
    ./without-cuda /opt/artgrab/lib/python3.11/site-packages && \
    rm -r /opt/artgrab/lib/python3.11/site-packages/torch/include \
        /opt/artgrab/lib/python3.11/site-packages/torch/bin/protoc* \
        /opt/artgrab/lib/python3.11/site-packages/nvidia/cu13/include && \
    find /opt/artgrab -name .lock -delete && \
    LD_BIND_NOW=1 PYTHONDONTWRITEBYTECODE=1 /opt/artgrab/bin/python -c "import timm, torch, torchvision"

FROM tools AS trainer-packages
COPY requirements/serving.lock requirements/trainer.lock ./
RUN awk '/^[a-z]/ {take = !seen[$1]++} take && NR != FNR' serving.lock trainer.lock >only.lock && \
    uv venv --quiet /opt/artgrab && \
    uv pip sync --quiet --python /opt/artgrab --require-hashes only.lock && \
    find /opt/artgrab -name .lock -delete

FROM tools AS serving-packages
COPY requirements/serving.lock requirements/trainer.lock ./
RUN awk '/^[a-z]/ {take = !seen[$1]++} take && NR != FNR' trainer.lock serving.lock >only.lock && \
    uv venv --quiet /opt/artgrab && \
    uv pip sync --quiet --python /opt/artgrab --require-hashes only.lock && \
    find /opt/artgrab -name .lock -delete

# Its packages are of the host: a folder that is mounted, and looked into last.
FROM tools AS no-packages
RUN uv venv --quiet /opt/artgrab && \
    echo /opt/packages >/opt/artgrab/lib/python3.11/site-packages/host.pth && \
    find /opt/artgrab -name .lock -delete

# Java for TorchServe alone, in 65 MB instead of 250, with the classes of its own start loaded already.
# Where manuals are left out Debian's package needs the folder for them.
FROM tools AS java
# It is unpacked, not installed: that would write beside the certificates, which may be the host's.
# hadolint ignore=DL3008 # Debian keeps only its newest Java, so a pinned one could not be had
RUN apt-get -qq update && \
    apt-get -qq -o APT::Sandbox::User=root download openjdk-17-jdk-headless openjdk-17-jre-headless && \
    rm -rf /var/lib/apt/lists/* && \
    for package in ./*.deb; do dpkg-deb --extract "$package" / || exit 1; done && \
    PATH="$(echo /usr/lib/jvm/java-17-openjdk-*/bin):$PATH" jlink --add-modules java.se,jdk.crypto.ec,jdk.management,jdk.naming.dns,jdk.unsupported,jdk.zipfs \
        --compress 2 --no-header-files --no-man-pages --strip-java-debug-attributes --output /opt/java && \
    /opt/java/bin/java -Xshare:dump

FROM tools AS code
COPY requirements/build.lock ./
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY protos protos
COPY services services
RUN uv build --quiet --wheel --require-hashes --build-constraints build.lock --out-dir dist && \
    uv pip install --quiet --no-deps --target /code dist/*.whl && \
    rm -r /code/bin /code/.lock

FROM docker.io/library/python:3.11-slim-bookworm AS runtime
ARG VERSION=0.0.0
LABEL org.opencontainers.image.title="artgrab" \
      org.opencontainers.image.description="From a word to a working image classifier: collect, clean, train, serve" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# The official image has no bytecode of the standard library: each start would compile it anew.
RUN ["python", "-c", "import compileall, re, sysconfig as s; compileall.compile_dir(s.get_path('stdlib'), quiet=1, rx=re.compile('-packages'))"]
# /tmp is all that can be written to in a pod whose root is read only.
ENV HOME=/tmp \
    PATH=/opt/artgrab/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/tmp
WORKDIR /tmp
USER 10001:10001

FROM runtime AS operator
COPY --from=operator-packages /opt/artgrab /opt/artgrab
COPY --from=code /code /opt/artgrab/lib/python3.11/site-packages
ENTRYPOINT ["kopf", "run", "--standalone", "--liveness=http://0.0.0.0:8080/healthz", "-m", "artgrab.operator.main"]
CMD ["--all-namespaces"]

FROM runtime AS scraper
USER 0:0
# Left out are 200 MB for graphics cards and desktops: without them Chromium draws by itself.
# hadolint ignore=DL3008 # Debian keeps only its newest Chromium, so a pinned one could not be had
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
        --option DPkg::Options::=--path-exclude=/usr/lib/*/dri/* \
        --option DPkg::Options::=--path-exclude=/usr/lib/*/libLLVM-* \
        --option DPkg::Options::=--path-exclude=/usr/lib/*/libz3.* \
        --option DPkg::Options::=--path-exclude=/usr/lib/chromium/libVkLayer_* \
        --option DPkg::Options::=--path-exclude=/usr/share/doc/* \
        chromium chromium-driver fonts-droid-fallback && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old
USER 10001:10001
COPY --from=scraper-packages /opt/artgrab /opt/artgrab
COPY --from=code /code /opt/artgrab/lib/python3.11/site-packages
ENTRYPOINT ["python", "-m", "artgrab.scraper"]

# What decodes pictures: faster with libturbojpeg than without, and with libseccomp it asks less of the kernel.
FROM runtime AS pictures
USER 0:0
# hadolint ignore=DL3008 # Debian keeps only its newest, so a pinned one could not be had
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends libseccomp2 libturbojpeg0 && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /usr/share/doc/libturbojpeg0
USER 10001:10001

FROM pictures AS downloader
COPY --from=downloader-packages /opt/artgrab /opt/artgrab
COPY --from=code /code /opt/artgrab/lib/python3.11/site-packages
ENTRYPOINT ["python", "-m", "artgrab.downloader"]

# OpenMP counts the processors of a node, which a pod has seldom, and waits for its threads by spinning.
FROM pictures AS learning
ENV CUDA_VISIBLE_DEVICES="" \
    OMP_NUM_THREADS=1 \
    OMP_WAIT_POLICY=PASSIVE

FROM learning AS learning-with-packages
COPY --from=learning-packages /opt/artgrab /opt/artgrab

FROM learning-with-packages AS trainer
COPY --from=trainer-packages /opt/artgrab /opt/artgrab
COPY --from=code /code /opt/artgrab/lib/python3.11/site-packages
ENTRYPOINT ["python", "-m", "artgrab.trainer"]

FROM learning-with-packages AS serving
ENV JAVA_HOME=/opt/java
COPY --from=java /opt/java /opt/java
COPY --from=serving-packages /opt/artgrab /opt/artgrab
COPY --from=code /code /opt/artgrab/lib/python3.11/site-packages
ENTRYPOINT ["python", "-m", "artgrab.serving"]

FROM learning AS bare
ENV JAVA_HOME=/opt/java
COPY --from=java /opt/java /opt/java
COPY --from=no-packages /opt/artgrab /opt/artgrab
COPY --from=code /code /opt/artgrab/lib/python3.11/site-packages
ENTRYPOINT ["python"]
