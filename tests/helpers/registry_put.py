#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put an image into a registry, in whatever form a case wants.

usage: registry_put.py [options] URL REPOSITORY TAG

  --rootfs DIR      the lowest layer; without it, one of a single file
  --layers N        so many in all (1): each further one has a file /layer-I
  --size BYTES      of random bytes in each of those files
  --types oci|docker, --pack gzip|zstd|none
  --index ARCH,...  an index of one image for each (the file /arch says which)
  --user USER:PASSWORD, --cacert FILE
  --config-text     a label of the image

Prints the digest of what the tag stands for.
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import ssl
import subprocess
import tarfile
import urllib.request

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
TYPES = {
    "oci": {"manifest": OCI + "manifest.v1+json", "config": OCI + "config.v1+json",
            "layer": OCI + "layer.v1.tar", "index": OCI + "index.v1+json"},
    "docker": {"manifest": DOCKER + "distribution.manifest.v2+json",
               "config": DOCKER + "container.image.v1+json",
               "layer": DOCKER + "image.rootfs.diff.tar",
               "index": DOCKER + "distribution.manifest.list.v2+json"},
}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    def __init__(self, args):
        self.base = f"{args.url}/v2/{args.repository}"
        self.context = ssl.create_default_context(cafile=args.cacert) if args.cacert else None
        self.auth = args.user and "Basic " + base64.b64encode(args.user.encode()).decode()

    def call(self, method, url, data=None, kind=None):
        request = urllib.request.Request(url, data=data, method=method)
        if kind:
            request.add_header("Content-Type", kind)
        if self.auth:
            request.add_header("Authorization", self.auth)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context))
        return opener.open(request)

    def put_blob(self, data):
        where = self.call("POST", f"{self.base}/blobs/uploads/", b"").headers["Location"]
        mark = "&" if "?" in where else "?"
        self.call("PUT", f"{where}{mark}digest={digest(data)}", data, "application/octet-stream")
        return {"digest": digest(data), "size": len(data)}

    def put_manifest(self, data, kind, tag=None):
        self.call("PUT", f"{self.base}/manifests/{tag or digest(data)}", data, kind)
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}


def layer_tar(rootfs, files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        if rootfs:
            tar.add(rootfs, arcname=".")
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pack(data, how):
    if how == "gzip":
        return gzip.compress(data, 6), "gzip"
    if how == "zstd":
        return subprocess.run(["zstd", "-1", "--long=24", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout, "zstd"
    return data, ""


def put_image(registry, args, arch, tag):
    names, layers, ids = TYPES[args.types], [], []
    for i in range(args.layers):
        files = {f"layer-{i}": os.urandom(args.size) if args.size else b"%d\n" % i}
        if i == 0:
            files["arch"] = arch.encode()
        plain = layer_tar(args.rootfs if i == 0 else None, files)
        packed, how = pack(plain, args.pack)
        mark = "." if args.types == "docker" else "+"
        layers.append({"mediaType": names["layer"] + (mark + how if how else ""),
                       **registry.put_blob(packed)})
        ids.append(digest(plain))
    config = json.dumps({
        "architecture": arch, "os": "linux", "created": "2026-01-02T03:04:05Z",
        "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin", "PULLED=yes"],
                   "Labels": {"tag": args.tag, "text": args.config_text or ""}},
        "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": names["manifest"],
        "config": {"mediaType": names["config"], **registry.put_blob(config)},
        "layers": layers}).encode()
    put = registry.put_manifest(manifest, names["manifest"], tag)
    return {**put, "platform": {"os": "linux", "architecture": arch}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rootfs")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--types", choices=TYPES, default="oci")
    parser.add_argument("--pack", choices=["gzip", "zstd", "none"], default="gzip")
    parser.add_argument("--index")
    parser.add_argument("--user")
    parser.add_argument("--cacert")
    parser.add_argument("--config-text")
    parser.add_argument("url")
    parser.add_argument("repository")
    parser.add_argument("tag")
    args = parser.parse_args()
    registry = Registry(args)
    if not args.index:
        print(put_image(registry, args, "amd64", args.tag)["digest"])
        return
    names = TYPES[args.types]
    parts = [put_image(registry, args, arch, None) for arch in args.index.split(",")]
    index = json.dumps({"schemaVersion": 2, "mediaType": names["index"], "manifests": parts}).encode()
    print(registry.put_manifest(index, names["index"], args.tag)["digest"])


main()
