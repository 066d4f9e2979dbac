#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The hostile layers of make_layers.py by the other ways in: pull, ADD, cp, and commit of what cp took.

    run_ways.py WORK REGISTRY CRAFTED HULL...

REGISTRY is served by crafted_registry.py from the folder CRAFTED; HULL... is the command with its
options, which knows an image "test". What a pull must come to is what load must; of the others only
that the canary and what lies around it stay as they are, and that nothing crashes.
"""
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys

work, registry, crafted, hull = *sys.argv[1:4], sys.argv[4:]
OCI = 'application/vnd.oci.image.'
corpus, canary = work + '/corpus', work + '/canary/file'
failures = []


def call(case, *argv, stdin=None):
    done = subprocess.run([*hull, *argv], env={**os.environ, **case['env']}, capture_output=True, text=True,
                          errors='replace', stdin=stdin or subprocess.DEVNULL, timeout=120)
    if done.returncode not in (0, 1, 125) or 'was ended by' in done.stderr:
        failures.append('%s: %s: %d %s' % (case['name'], argv[0], done.returncode, done.stderr))
    return done.returncode


def blob(data, kind):
    digest = 'sha256:' + hashlib.sha256(data).hexdigest()
    with open(crafted + '/blobs/' + digest, 'wb') as f:
        f.write(data)
    return {'mediaType': OCI + kind, 'digest': digest, 'size': len(data)}


def pull(case):
    stored = [open(corpus + '/' + name, 'rb').read() for name in case['layers']]
    layers = [blob(data, 'layer.v1.tar') for data in stored]
    plain = [gzip.decompress(data) if data[:2] == b'\x1f\x8b' and case['expect'] == 'ok' else data for data in stored]
    config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {
        'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(data).hexdigest() for data in plain]}}).encode()
    for name, text in (('t', json.dumps({'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json',
                                         'config': blob(config, 'config.v1+json'), 'layers': layers})),
                       ('t.type', OCI + 'manifest.v1+json')):
        with open(crafted + '/manifests/' + name, 'w') as f:
            f.write(text)
    refused = call(case, 'pull', '-q', registry + '/x:t') != 0
    # Limits that image_tool takes from the environment are not hull's.
    if refused != (case['expect'] == 'refuse') and not case['env']:
        failures.append('%s: pull: %s' % (case['name'], 'was refused' if refused else 'was taken'))
    if not refused:
        call(case, 'rmi', registry + '/x:t')


def add(case):
    shutil.rmtree(work + '/context', ignore_errors=True)
    os.mkdir(work + '/context')
    lines = ['FROM scratch']
    for name in case['layers']:
        os.link(corpus + '/' + name, work + '/context/' + name)
        lines.append('ADD %s /x/' % name)
    with open(work + '/context/Dockerfile', 'w') as f:
        f.write('\n'.join(lines) + '\n')
    if call(case, 'build', '-q', '-t', 'added', work + '/context') == 0:
        call(case, 'rmi', 'added')


def copy(case):
    box = 'box-' + case['name']
    call(case, 'create', '--name', box, 'test', 'true')
    for name in case['layers']:
        with open(corpus + '/' + name, 'rb') as f:
            call(case, 'cp', '-', box + ':/', stdin=f)
    if call(case, 'commit', box, 'committed') == 0:
        call(case, 'rmi', 'committed')
    call(case, 'rm', box)


os.makedirs(corpus)
os.makedirs(work + '/canary')
with open(canary, 'w') as f:
    f.write('untouched')
before = os.lstat(canary), os.lstat(work + '/canary'), os.lstat('/etc')
subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'make_layers.py'),
                corpus, canary], check=True)
cases = [c for c in json.load(open(corpus + '/cases.json')) if 'layers' in c]
for case in cases:
    for way in (pull, add, copy):
        way(case)
        after = os.lstat(canary), os.lstat(work + '/canary'), os.lstat('/etc')
        if open(canary).read() != 'untouched' or os.listdir(work + '/canary') != ['file'] or any(
                (a.st_mode, a.st_uid, a.st_mtime_ns) != (b.st_mode, b.st_uid, b.st_mtime_ns)
                for a, b in zip(after, before)):
            failures.append('%s: %s: the canary was changed' % (case['name'], way.__name__))
            break
print('%d cases, %d failures' % (len(cases), len(failures)))
for failure in failures:
    print('FAILED', failure)
sys.exit(1 if failures else 0)
