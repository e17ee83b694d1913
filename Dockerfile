# Debian 12 with prebake built and installed, a kernel's headers, and NVIDIA's source packages:
#
#   buildah bud -t prebake .            (or docker build)
#   docker run --rm -it prebake
#   prebake bake --kernel 6.1.0-47-cloud-amd64 \
#       --source build/downloads/nvidia-open-kernel-dkms_535.261.03-1_amd64.deb
#
# That bakes into the container's own tree. `make quickstart` bakes into another root, for which
# the container needs --privileged. --build-arg DEPS=check adds all that `make check` needs.
FROM docker.io/library/debian:bookworm
ARG DEPS=quickstart
WORKDIR /src
COPY scripts scripts
# The kernel's name is in versions.sh: `uname -r` would be the host's.
RUN scripts/install-deps $DEPS && . scripts/lib/versions.sh && \
    apt-get -qq -y --no-install-recommends install "linux-headers-$KERNEL" >/dev/null && \
    rm -rf /var/lib/apt/lists/* build/apt
COPY . .
RUN make -s -j"$(nproc)" install
CMD ["bash"]
