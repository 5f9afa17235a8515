# SPDX-License-Identifier: Apache-2.0
"""The image as an OCI image layout (image-spec: image-layout.md, config.md, manifest.md)."""
import datetime
import gzip
import hashlib
import io
import json
import os
import stat
import tarfile

from .rootfs import entries


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def layer_of(root, epoch):
    """The tree as the bytes of a tar: sorted, one time, no owners but 0, modes of two kinds."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in entries(root):
            info = tarfile.TarInfo(path.relative_to(root).as_posix())
            info.mtime = epoch
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
                tar.addfile(info)
            elif stat.S_ISDIR(mode):
                # runc gives a tmpfs the mode of the directory that it is mounted on, whatever its options say.
                info.type, info.mode = tarfile.DIRTYPE, 0o1777 if info.name == "tmp" else 0o755
                tar.addfile(info)
            elif stat.S_ISREG(mode):
                info.mode = 0o755 if mode & stat.S_IXUSR else 0o644
                info.size = path.stat().st_size
                with open(path, "rb") as file:
                    tar.addfile(info, file)
    return buffer.getvalue()


class Layout:
    """Writes blobs first and the index last, by rename: who reads meanwhile, or after a failure, sees a whole image."""

    def __init__(self, output):
        self.output = output
        self.blobs = output / "blobs" / "sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.written = set()

    def blob(self, media_type, data):
        name = digest(data)
        self.replace(self.blobs / name.split(":")[1], data)
        self.written.add(name.split(":")[1])
        return {"mediaType": media_type, "digest": name, "size": len(data)}

    def finish(self, manifest, name):
        manifest["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]}
        self.replace(self.output / "oci-layout", canonical({"imageLayoutVersion": "1.0.0"}))
        self.replace(self.output / "index.json", canonical(index))
        for path in self.blobs.iterdir():
            if path.name not in self.written:
                path.unlink()

    @staticmethod
    def replace(path, data):
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_bytes(data)
        os.replace(temporary, path)


def write(root, output, name, architecture, epoch, labels):
    """(manifest digest, unpacked size, compressed size)"""
    layer = layer_of(root, epoch)
    compressed = gzip.compress(layer, compresslevel=6, mtime=0)
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    layout = Layout(output)
    layer_descriptor = layout.blob("application/vnd.oci.image.layer.v1.tar+gzip", compressed)
    config = layout.blob("application/vnd.oci.image.config.v1+json", canonical({
        "architecture": architecture, "os": "linux", "created": created,
        "config": {"Env": ["PATH=/usr/bin"], "Entrypoint": ["/usr/lib/vortex/init", "--"], "WorkingDir": "/plugin",
                   "User": "65532:65532", "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created": created, "created_by": "vortex images/python/build"}],
    }))
    manifest = layout.blob("application/vnd.oci.image.manifest.v1+json", canonical(
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
         "layers": [layer_descriptor]}))
    manifest["platform"] = {"architecture": architecture, "os": "linux"}
    layout.finish(manifest, name)
    return manifest["digest"], len(layer), len(compressed)
