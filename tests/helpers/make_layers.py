#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Archives that nobody should send: the corpus of hostile images, built byte by byte.

    make_layers.py DIR CANARY    writes DIR/<case>.tar and DIR/cases.json

Each case says what must come of it: "refuse" (with words that the error must contain) or "ok" (with
what must then be in the layers). CANARY is the absolute path of a file that the archives aim at.
"""
import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import zlib

cases = []
out, canary = sys.argv[1], sys.argv[2]
UP = '../' * 24


# ---------------------------------------------------------------- tar, by hand

def octal(value, width):
    return b'%0*o\0' % (width - 1, value)


def number(value, width):
    """Octal where it fits, else base-256 (GNU)."""
    if 0 <= value < 8 ** (width - 1):
        return octal(value, width)
    return (value & ((1 << (8 * width)) - 1) | (1 << (8 * width - 1))).to_bytes(width, 'big')


def header(name, size=0, kind=b'0', link=b'', mode=0o644, uid=0, gid=0, mtime=1000000000, major=0,
           minor=0, magic=b'ustar\x0000', checksum=None):
    if isinstance(name, str):
        name = name.encode()
    if isinstance(link, str):
        link = link.encode()
    h = bytearray(512)
    h[0:len(name[:100])] = name[:100]
    h[100:108] = octal(mode, 8)
    h[108:116] = number(uid, 8)
    h[116:124] = number(gid, 8)
    h[124:136] = number(size, 12)
    h[136:148] = number(mtime, 12)
    h[148:156] = b' ' * 8
    h[156:157] = kind
    h[157:157 + len(link[:100])] = link[:100]
    h[257:265] = magic
    h[329:337] = number(major, 8)
    h[337:345] = number(minor, 8)
    h[148:156] = b'%06o\0 ' % (sum(h) if checksum is None else checksum)
    return bytes(h)


def pad(data):
    return data + bytes(-len(data) % 512)


def entry(name, data=b'', **more):
    return header(name, len(data), **more) + pad(data)


def pax(**records):
    """A PAX header; keys with dots are given as dict(**{...})."""
    body = b''
    for key, value in records.items():
        if isinstance(value, str):
            value = value.encode()
        body += pax_record(key, value)
    return header('PaxHeaders/x', len(body), kind=b'x') + pad(body)


def pax_record(key, value):
    text = b' ' + key.encode() + b'=' + value + b'\n'
    length = len(text)
    while length != len(text) + len(str(length)):
        length = len(text) + len(str(length))
    return str(length).encode() + text


def folder(name, **more):
    return entry(name, kind=b'5', **{'mode': 0o755, **more})


def symlink(name, to, **more):
    return entry(name, kind=b'2', link=to, **{'mode': 0o777, **more})


def hardlink(name, to):
    return entry(name, kind=b'1', link=to)


END = bytes(1024)


# ---------------------------------------------------------------- images

def sha(data):
    return hashlib.sha256(data).hexdigest()


def config(diff_ids, **more):
    return json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {'Cmd': ['sh']},
                       'rootfs': {'type': 'layers', 'diff_ids': diff_ids}, **more}).encode()


def plain(layer):
    """What the layer unpacks to, as far as this script can tell."""
    try:
        return gzip.decompress(layer) if layer[:2] == b'\x1f\x8b' else layer
    except (EOFError, zlib.error, OSError):
        return layer


def docker_archive(layers, diff_ids=None, conf=None, manifest=None, extra=b'', names=None):
    if diff_ids is None:
        diff_ids = ['sha256:' + sha(plain(l)) for l in layers]
    conf = config(diff_ids) if conf is None else conf
    names = names or ['%d/layer.tar' % i for i in range(len(layers))]
    if manifest is None:
        manifest = [{'Config': 'config.json', 'RepoTags': ['evil:1'], 'Layers': names}]
    if not isinstance(manifest, bytes):
        manifest = json.dumps(manifest).encode()
    data = entry('config.json', conf)
    for name, layer in zip(names, layers):
        data += entry(name, layer)
    return data + extra + entry('manifest.json', manifest) + END


def write(name, data, expect, words=(), tree=None, env=None, stream=True):
    with open(os.path.join(out, name + '.tar'), 'wb') as f:
        f.write(data)
    cases.append({'name': name, 'expect': expect, 'words': list(words), 'tree': tree or {},
                  'env': env or {}, 'stream': stream})


def keep_layers(name, layers):
    """The same by themselves, DIR/<case>.<number>, for other ways in."""
    cases[-1]['layers'] = ['%s.%d' % (name, i) for i in range(len(layers))]
    for i, layer in enumerate(layers):
        with open(os.path.join(out, '%s.%d' % (name, i)), 'wb') as f:
            f.write(layer)


def refuse(name, *layers, words=(), env=None, diff_ids=None):
    write(name, docker_archive(list(layers), diff_ids=diff_ids), 'refuse', words, env=env)
    if diff_ids is None:
        keep_layers(name, layers)


def ok(name, *layers, tree=None):
    """tree: path in the topmost layer that has it -> dir, file, link:<target>, whiteout, opaque,
    absent, or mode:<octal>."""
    write(name, docker_archive(list(layers)), 'ok', tree=tree)
    keep_layers(name, layers)


# ---------------------------------------------------------------- names (T060)

refuse('name-dotdot', entry(UP + canary, b'x') + END, words=['"..', '..'])
refuse('name-dotdot-inside', folder('a') + entry('a/../b', b'x') + END, words=['a/../b'])
refuse('name-dotdot-end', folder('a/..') + END, words=['a/..'])
refuse('name-dot-dotdot', entry('./../x', b'x') + END, words=['./../x'])
refuse('name-dotdot-dir', folder('..') + END, words=['..'])
refuse('name-dotdot-absolute', entry('/../../x', b'x') + END, words=['/../../x'])
refuse('name-dotdot-pax', pax(path=UP + canary) + entry('x', b'x') + END, words=['..'])
refuse('name-dotdot-gnu', header('././@LongLink', len(UP + canary) + 1, kind=b'L') +
       pad((UP + canary).encode() + b'\0') + entry('x', b'x') + END, words=['..'])
ok('name-absolute', entry(canary, b'x') + END, tree={canary.lstrip('/'): 'file'})
ok('name-slashes', entry('//a///b//c', b'x') + END, tree={'a/b/c': 'file'})
ok('name-nul', pax(path='a\0' + UP + 'b') + entry('x', b'x') + END)
refuse('name-empty', entry('', b'x') + END)
refuse('name-dot-file', entry('.', b'x') + END, words=['"."'])
refuse('name-slash-file', entry('/', b'x', kind=b'2', link='/etc') + END)
refuse('name-root-symlink', symlink('./', '/etc') + END)
refuse('name-root-device', entry('.', kind=b'3', major=1, minor=3) + END)
refuse('name-root-hardlink', hardlink('.', 'a') + END)
ok('name-root-folder', folder('./', mode=0o711) + entry('./a', b'x') + END, tree={'.': 'mode:711'})
refuse('name-256', entry('d' * 80 + '/' + 'n' * 10, b'') + pax(path='n' * 256) + entry('x') + END,
       words=['255'])
refuse('name-deep', pax(path='a/' * 513 + 'b') + entry('x') + END, words=['deep'])
refuse('name-long', pax(path=('n' * 200 + '/') * 30 + 'b') + entry('x') + END, words=['4095'])
refuse('name-4096-deep', pax(path='a/' * 4096 + 'b') + entry('x') + END, words=['deep'])
refuse('name-1mib', pax(path='n' * (1 << 20)) + entry('x') + END)
ok('name-not-utf8', entry(b'caf\xe9\xff', b'x') + END)
ok('name-newline', pax(path='a\nb') + entry('x', b'x') + END, tree={'a\nb': 'file'})

# ---------------------------------------------------------------- links above a name (T061)

refuse('parent-absolute', symlink('d', os.path.dirname(canary)) +
       entry('d/' + os.path.basename(canary), b'evil') + END, words=['symbolic link'])
refuse('parent-relative', symlink('d', UP + os.path.dirname(canary)) +
       entry('d/' + os.path.basename(canary), b'evil') + END, words=['symbolic link'])
refuse('parent-deep', folder('a') + folder('a/b') + symlink('a/b/c', '/') +
       entry('a/b/c' + canary, b'evil') + END, words=['symbolic link'])
ok('parent-lower-layer', symlink('d', os.path.dirname(canary)) + END,
   entry('d/' + os.path.basename(canary), b'evil') + END, tree={'d': 'dir'})
refuse('parent-midstream', folder('d') + entry('d/a', b'1') + symlink('d', '/') +
       entry('d' + canary, b'evil') + END, words=['symbolic link'])
ok('parent-inside', folder('a') + folder('a/b') + symlink('a/b/c', '../../x') +
   entry('a/b/c/f', b'1') + END, tree={'a/b/c': 'dir', 'a/b/c/f': 'file'})
refuse('parent-up', folder('a') + symlink('a/b', 'x/../../../y') + entry('a/b/f', b'1') + END,
       words=['"a/b/f"', 'symbolic link'])
ok('parent-loop', symlink('a', 'b') + symlink('b', 'a') + entry('a/x', b'1') + END,
   tree={'a/x': 'file', 'b': 'link:a'})
ok('parent-chain', b''.join(symlink('l%d' % i, 'l%d' % (i + 1)) for i in range(41)) +
   entry('l0/x', b'1') + END, tree={'l0/x': 'file'})
ok('parent-file', entry('f', b'1') + entry('f/x', b'2') + END, tree={'f/x': 'file'})
ok('parent-whiteout', entry('.wh.d') + entry('d/x', b'2') + END,
   tree={'d': 'opaque', 'd/x': 'file'})
ok('dir-over-symlink', symlink('d', os.path.dirname(canary)) + folder('d', mode=0o777) + END,
   tree={'d': 'dir'})
ok('file-over-symlink', symlink('f', canary) + entry('f', b'evil') + END, tree={'f': 'file'})
ok('file-over-dir', folder('d') + entry('d/x', b'1') + entry('d', b'2') + END, tree={'d': 'file'})
ok('fifo-then-file', entry('p', kind=b'6') + entry('p', b'x') + END, tree={'p': 'file'})
ok('symlink-mode', symlink('s', canary, mode=0o7777, uid=1000) + END, tree={'s': 'link:' + canary})
refuse('symlink-empty', entry('s', kind=b'2') + END)

# ---------------------------------------------------------------- hard links (T062)

refuse('hardlink-absolute', hardlink('h', canary) + entry('h', b'evil') + END, words=['"h"', 'layer'])
refuse('hardlink-dotdot', hardlink('h', UP + canary) + END, words=['..'])
refuse('hardlink-missing', hardlink('h', 'nothing') + END, words=['"h"', 'nothing'])
refuse('hardlink-through-symlink', symlink('d', os.path.dirname(canary)) +
       hardlink('h', 'd/' + os.path.basename(canary)) + END, words=['"h"'])
refuse('hardlink-dir', folder('d') + hardlink('h', 'd') + END, words=['"h"', 'folder'])
refuse('hardlink-root', hardlink('h', '.') + END, words=['"h"'])
refuse('hardlink-whiteout', entry('.wh.w') + hardlink('h', 'w') + END, words=['"h"'])
refuse('hardlink-lower-layer', entry('a', b'1') + END, hardlink('h', 'a') + END, words=['"h"'])
ok('hardlink-symlink', symlink('s', canary) + hardlink('h', 's') + entry('h', b'evil') + END,
   tree={'h': 'file', 's': 'link:' + canary})
ok('hardlink-device', entry('n', kind=b'3', major=1, minor=3) + hardlink('h', 'n') + END)
refuse('hardlink-itself', entry('a', b'1') + hardlink('a', 'a') + END, words=['"a"', 'itself'])
refuse('hardlink-own-parent', folder('d') + entry('d/f', b'1') + hardlink('d', 'd/f') + END)
refuse('hardlink-65001', entry('a', b'1') +
       b''.join(hardlink('h%d' % i, 'a') for i in range(65001)) + END, words=['hard link'])

# ---------------------------------------------------------------- whiteouts (T063)

refuse('whiteout-empty', entry('.wh.') + END, words=['.wh.'])
refuse('whiteout-dot', entry('.wh..') + END, words=['.wh..'])
refuse('whiteout-dotdot', entry('a/.wh...') + END, words=['.wh...'])
ok('whiteout-plain', entry('a/.wh.b') + END, tree={'a/b': 'whiteout'})
ok('whiteout-aufs', folder('.wh..wh.plnk') + entry('.wh..wh.aufs') + END)
ok('whiteout-opaque', folder('d') + entry('d/.wh..wh..opq') + END, tree={'d': 'opaque'})
ok('whiteout-opaque-implicit', entry('d/.wh..wh..opq') + END, tree={'d': 'opaque'})
ok('whiteout-opaque-root', entry('.wh..wh..opq') + END, tree={'.': 'opaque'})
refuse('whiteout-through-symlink', symlink('d', os.path.dirname(canary)) +
   entry('d/.wh.' + os.path.basename(canary)) + END, words=['symbolic link'])
refuse('whiteout-opaque-symlink', symlink('d', os.path.dirname(canary)) +
   entry('d/.wh..wh..opq') + END, words=['symbolic link'])
ok('whiteout-own-file', entry('f', b'1') + entry('.wh.f') + END, tree={'f': 'file'})
ok('whiteout-own-dir', folder('d') + entry('d/a', b'1') + entry('.wh.d') + END,
   tree={'d': 'opaque', 'd/a': 'file'})
ok('whiteout-then-file', entry('.wh.f') + entry('f', b'1') + END, tree={'f': 'file'})
ok('whiteout-then-dir', entry('.wh.d') + folder('d') + END, tree={'d': 'opaque'})
ok('whiteout-as-link', hardlink('.wh.x', 'nothing') + END, tree={'x': 'whiteout'})

# ---------------------------------------------------------------- extended attributes (T064, T065)


def with_xattrs(inner=None, **attrs):
    records = {'SCHILY.xattr.' + k.replace('__', '.'): v for k, v in attrs.items()}
    return pax(**records) + (inner or entry('f', b'x'))


CAP2 = struct.pack('<IIIII', 0x02000001, 1 << 10, 0, 0, 0)
CAP3 = struct.pack('<IIIIII', 0x03000001, 1 << 10, 0, 0, 0, 100000)
ok('xattr-overlay', with_xattrs(folder('f'), trusted__overlay__opaque='y',
                                trusted__overlay__redirect='/etc', trusted__overlay__metacopy='',
                                trusted__overlay__origin='x') + END, tree={'f': 'xattr:'})
ok('xattr-user-overlay', with_xattrs(user__overlay__opaque='y', user__overlay__redirect='/x',
                                     user__mine='1') + END, tree={'f': 'xattr:user.mine'})
ok('xattr-libarchive', pax(**{'LIBARCHIVE.xattr.trusted.overlay.opaque':
                              base64.b64encode(b'y')}) + folder('f') + END, tree={'f': 'xattr:'})
ok('xattr-selinux', with_xattrs(security__selinux='system_u:object_r:shadow_t:s0',
                                security__ima='x', security__evm='x') + END, tree={'f': 'xattr:'})
ok('xattr-capability', with_xattrs(security__capability=CAP2) + END,
   tree={'f': 'xattr:security.capability'})
ok('xattr-capability-v3', with_xattrs(security__capability=CAP3) + END,
   tree={'f': 'capability-v2'})
refuse('xattr-capability-bad', with_xattrs(security__capability=b'\2') + END, words=['"f"'])
refuse('xattr-acl-bad', with_xattrs(system__posix_acl_access=b'\xff' * 13) + END, words=['"f"'])
ok('xattr-on-symlink', symlink('s', canary) +
   with_xattrs(symlink('s', canary), user__x='1', security__capability=CAP2) + END,
   tree={'s': 'link:' + canary})
refuse('xattr-many', with_xattrs(**{'user__n%d' % i: '1' for i in range(300)}) + END, words=['256'])
refuse('xattr-huge', with_xattrs(user__x=b'x' * 70000) + END)

# ---------------------------------------------------------------- devices, owners (T066)

ok('device-block', entry('b', kind=b'4', major=7, minor=0) + END)
ok('device-char', entry('c', kind=b'3', major=1, minor=1) + END)
refuse('device-whiteout', entry('c', kind=b'3') + END, words=['0:0'])
refuse('device-major', entry('c', kind=b'3', major=4096, minor=1) + END, words=['4096:1'])
refuse('device-minor', entry('c', kind=b'3', major=1, minor=1 << 20) + END, words=['1:1048576'])
refuse('device-base256', entry('c', kind=b'3', major=1 << 32, minor=0) + END, words=['range'])
refuse('device-negative', entry('c', kind=b'3', major=-1, minor=0) + END)
refuse('owner-4294967295', pax(uid='4294967295') + entry('f', b'x') + END, words=['4294967295'])
refuse('owner-2-to-32', pax(gid='4294967296') + entry('f', b'x') + END, words=['4294967296'])
refuse('owner-negative', entry('f', b'x', uid=-1) + END)
ok('mode-setuid', entry('f', b'x', mode=0o6755, uid=1000, gid=1000) + END, tree={'f': 'mode:6755'})
ok('mode-sticky', folder('t', mode=0o1777, uid=5) + END, tree={'t': 'mode:1777'})
ok('time-strange', pax(mtime='-5.999999999') + entry('f', b'x') + pax(mtime='99999999999999') +
   entry('g', b'x') + END)

# ---------------------------------------------------------------- bombs (T067)

small = {'LIMIT_BYTES': str(64 << 20)}


def bomb(layers=1):
    data = entry('zeros', bytes(200 << 20)) + END
    for _ in range(layers):
        data = gzip.compress(data, 9)
    return data


refuse('bomb-gzip', bomb(), words=['zeros', 'limit'], env=small)
refuse('bomb-gzip-nested', bomb(2), env=small)
refuse('bomb-padding', gzip.compress(entry('a', b'x') + bytes(300 << 20), 9), env=small)
write('bomb-outer', gzip.compress(docker_archive([entry('zeros', bytes(200 << 20)) + END]), 9),
      'refuse', ['zeros'], env=small)
refuse('bomb-xz', b'\xfd7zXZ\0' + bytes(600), words=['xz'])
refuse('bomb-bzip2', b'BZh9' + bytes(600), words=['bzip2'])
refuse('bomb-xz-dictionary', lzma.compress(entry('a', b'x') + END, preset=9), words=['xz', 'memory'])
refuse('bomb-xz-zeros', lzma.compress(entry('zeros', bytes(200 << 20)) + END), words=['zeros'], env=small)
refuse('bomb-bzip2-zeros', bz2.compress(entry('zeros', bytes(200 << 20)) + END), words=['zeros'], env=small)
# A zstd frame that asks for a window of 2 GiB (window descriptor: exponent 21).
refuse('bomb-zstd-window', b'\x28\xb5\x2f\xfd' + bytes([0x00, 21 << 3]) + b'\x01\x00\x00' +
       bytes(600))
refuse('bomb-8eib', header('huge', (1 << 63) - 1) + bytes(512) + END)
refuse('bomb-sparse-8eib', pax(**{'GNU.sparse.major': '1', 'GNU.sparse.minor': '0',
                                  'GNU.sparse.name': 'huge',
                                  'GNU.sparse.realsize': str((1 << 62))}) +
       entry('x', pad(b'1\n%d\n0\n' % (1 << 61))) + END, words=['huge'])
refuse('bomb-sparse-map', pax(**{'GNU.sparse.major': '1', 'GNU.sparse.minor': '0',
                                 'GNU.sparse.name': 'map', 'GNU.sparse.realsize': '10000000'}) +
       entry('x', pad(b'1000000\n' + b''.join(b'%d\n1\n' % (3 * i) for i in range(1000000)))) +
       END)
refuse('bomb-entries', b''.join(entry('f%d' % i) for i in range(3000)) + END, words=['2000'],
       env={'LIMIT_ENTRIES': '2000'})
refuse('bomb-pax-1gib', header('PaxHeaders/x', 1 << 30, kind=b'x') + bytes(4096) + END)
refuse('bomb-pax-global', header('g', 1 << 30, kind=b'g') + bytes(4096) + END)
refuse('bomb-gnu-name', header('././@LongLink', 1 << 30, kind=b'L') + bytes(4096) + END)
refuse('size-negative', header('f', -1) + END)
refuse('size-beyond', header('f', 1 << 20) + bytes(512))
ok('sparse-honest', pax(**{'GNU.sparse.major': '1', 'GNU.sparse.minor': '0',
                           'GNU.sparse.name': 'hole', 'GNU.sparse.realsize': str(1 << 30)}) +
   entry('x', pad(b'1\n%d\n3\n' % ((1 << 30) - 3)) + b'end') + END, tree={'hole': 'sparse'})
ok('zeros-become-holes', entry('z', bytes(8 << 20) + b'x') + END, tree={'z': 'sparse'})

# ---------------------------------------------------------------- damage (T068)

good = folder('a') + entry('a/f', b'0123456789' * 500) + symlink('a/s', 'f') + END
good_id = 'sha256:' + sha(good)
packed = gzip.compress(good, 9)
for cut in range(0, len(good), 512):
    refuse('cut-plain-%d' % cut, good[:cut], diff_ids=[good_id])
for cut in (1, 9, 10, 20, len(packed) // 2, len(packed) - 9, len(packed) - 8, len(packed) - 1):
    refuse('cut-gzip-%d' % cut, packed[:cut], diff_ids=[good_id])
refuse('gzip-checksum', packed[:-8] + b'\0\0\0\0' + packed[-4:], diff_ids=[good_id])
refuse('gzip-garbage', packed + b'garbage', diff_ids=[good_id])
ok('gzip-two-members', gzip.compress(good[:700]) + gzip.compress(good[700:]), tree={'a/f': 'file'})
refuse('tar-checksum', header('f', 0, checksum=1) + END, words=['layer'])
refuse('tar-garbage', b'\x7fELF' + bytes(range(256)) * 8)
refuse('diff-id-wrong', good, diff_ids=['sha256:' + '0' * 64], words=['sha256'])
ok('tar-trailing', good + b'trailing garbage' * 100, tree={'a/f': 'file'})
whole = docker_archive([good])
for cut in (100, 512, 1024, 3000, len(whole) - 1536, len(whole) // 2):
    write('cut-outer-%d' % cut, whole[:cut], 'refuse')
write('outer-empty', b'', 'refuse')
write('outer-text', b'hello\n' * 1000, 'refuse')
write('outer-gzip-cut', gzip.compress(whole)[:-20], 'refuse')
write('outer-gzip', gzip.compress(whole), 'ok', tree={'a/f': 'file'})

# ---------------------------------------------------------------- the docker archive itself (T126)


def docker_case(name, expect, words=(), **more):
    write(name, docker_archive(more.pop('layers', [good]), **more), expect, words)


man = {'Config': 'config.json', 'RepoTags': ['evil:1'], 'Layers': ['0/layer.tar']}
docker_case('manifest-config-dotdot', 'refuse', manifest=[{**man, 'Config': UP + 'etc/passwd'}])
docker_case('manifest-config-absolute', 'refuse', manifest=[{**man, 'Config': canary}])
docker_case('manifest-layer-dotdot', 'refuse', manifest=[{**man, 'Layers': [UP + canary]}])
docker_case('manifest-layer-link', 'refuse', manifest=[{**man, 'Layers': ['l']}],
            extra=symlink('l', canary))
docker_case('manifest-layer-loop', 'refuse', manifest=[{**man, 'Layers': ['l']}],
            extra=symlink('l', 'm') + symlink('m', 'l'))
docker_case('manifest-layer-symlink', 'ok', manifest=[{**man, 'Layers': ['x/layer.tar']}],
            extra=symlink('x/layer.tar', '../0/layer.tar'))
docker_case('manifest-layer-is-config', 'refuse', manifest=[{**man, 'Layers': ['config.json']}])
docker_case('manifest-too-few-layers', 'refuse', ['layers'], manifest=[{**man, 'Layers': []}])
docker_case('manifest-too-many-layers', 'refuse', manifest=[{**man, 'Layers': ['0/layer.tar'] * 2}])
docker_case('manifest-object', 'refuse', manifest=man)
docker_case('manifest-empty-list', 'refuse', manifest=[])
docker_case('manifest-strings', 'refuse', manifest=['x'])
docker_case('manifest-no-config', 'refuse', manifest=[{'Layers': []}])
docker_case('manifest-tag-bad', 'refuse', ['reference'], manifest=[{**man, 'RepoTags': ['UP/../x']}])
docker_case('manifest-tag-digest', 'refuse', manifest=[{**man, 'RepoTags': ['a@sha256:' + '0' * 64]}])
docker_case('manifest-twice', 'refuse', ['manifest.json'], extra=entry('manifest.json', b'[]'))
docker_case('manifest-config-twice', 'refuse', extra=entry('./config.json', b'{}'))
docker_case('manifest-5mib', 'refuse', manifest=b'[' + b' ' * (5 << 20) + b']')
docker_case('manifest-million-layers', 'refuse',
            manifest=b'[{"Config":"config.json","Layers":[' + b'"a",' * 900000 + b'"a"]}]')
docker_case('manifest-million-objects', 'refuse', manifest=b'[' + b'{},' * 1000000 + b'{}]')
docker_case('manifest-depth', 'refuse', manifest=b'[' * 100000 + b']' * 100000)
docker_case('manifest-nan', 'refuse', manifest=b'[NaN]')
docker_case('manifest-nul', 'refuse', manifest=json.dumps([{**man, 'Config': 'a\0b'}]).encode())
docker_case('manifest-surrogate', 'refuse', manifest=b'[{"Config":"\\ud800"}]')
docker_case('manifest-trailing', 'refuse', manifest=json.dumps([man]).encode() + b'x')
docker_case('config-name-lies', 'refuse', ['sha256'], extra=entry('b' * 64 + '.json', config([good_id])),
            manifest=[{**man, 'Config': 'b' * 64 + '.json'}])
docker_case('config-windows', 'refuse', conf=config([good_id], os='windows'))
docker_case('config-9mib', 'refuse', conf=config([good_id], author='x' * (9 << 20)))
docker_case('config-nul', 'refuse', conf=config([good_id]) + b'\0')
docker_case('config-array', 'refuse', conf=b'[]')
docker_case('config-no-rootfs', 'refuse', conf=b'{"os":"linux"}')
docker_case('config-env-number', 'refuse',
            conf=config([good_id]).replace(b'"config": {', b'"config": {"Env": 1e400, '))
docker_case('config-200-layers', 'refuse', conf=config([good_id] * 200),
            manifest=[{**man, 'Layers': ['0/layer.tar'] * 200}])
for i, bad in enumerate(['sha256:../../' + 'x' * 58, 'sha256:' + '0' * 63, 'sha256:' + '0' * 65,
                         'sha256:' + 'A' * 64, 'md5:' + '0' * 32, '', 'sha512:' + '0' * 128, '0' * 64]):
    docker_case('diff-id-%d' % i, 'refuse', ['digest'], diff_ids=[bad])
docker_case('labels-of-engines', 'ok', conf=config([good_id], config={'Labels': {
    'io.hull.privileged': 'true', 'io.containers.capabilities': 'SYS_ADMIN',
    'containerd.io/restart.loguri': 'binary:///bin/sh'}}))
write('outer-sparse', pax(**{'GNU.sparse.major': '1', 'GNU.sparse.minor': '0',
                             'GNU.sparse.name': 'manifest.json', 'GNU.sparse.realsize': '100'}) +
      entry('x', pad(b'0\n')) + END, 'refuse')
write('outer-name-long', pax(path='n' * 600) + entry('x') + END, 'refuse')
write('outer-legacy', entry('repositories', b'{}') + END, 'refuse', ['1.10'])
write('outer-rootfs', good, 'refuse', ['manifest.json'])

# ---------------------------------------------------------------- OCI layouts (T081-T084)

MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
INDEX = 'application/vnd.oci.image.index.v1+json'
CONFIG = 'application/vnd.oci.image.config.v1+json'
LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'


class Layout:
    def __init__(self):
        self.blobs = {}
        self.files = {'oci-layout': b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(self, data, kind, **more):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        self.blobs[sha(data)] = data
        return {'mediaType': kind, 'digest': 'sha256:' + sha(data), 'size': len(data), **more}

    def image(self, **more):
        conf = self.blob(config([good_id]), CONFIG)
        layer = self.blob(packed, LAYER)
        return {'schemaVersion': 2, 'mediaType': MANIFEST, 'config': conf, 'layers': [layer], **more}

    def index(self, *manifests, **more):
        return {'schemaVersion': 2, 'mediaType': INDEX, 'manifests': list(manifests), **more}

    def write(self, name, index, expect, words=(), **more):
        self.files['index.json'] = index if isinstance(index, bytes) else json.dumps(index).encode()
        data = b''.join(entry(n, d) for n, d in self.files.items())
        data += b''.join(entry('blobs/sha256/' + n, d) for n, d in self.blobs.items()) + END
        write(name, data, expect, words, **more)


def oci(name, expect, words=(), change=None, descriptor=None, index=None, blobs=None, manifest=None):
    """One image, with one thing wrong."""
    l = Layout()
    m = l.image(**(manifest or {}))
    if change:
        change(m, l)
    d = l.blob(m, MANIFEST)
    d.update(descriptor or {})
    l.blobs.update(blobs(l, m, d) if blobs else {})
    l.write(name, l.index(d, **(index or {})), expect, words)


def set_layer(**more):
    return lambda m, l: m['layers'][0].update(more)


def set_config(**more):
    return lambda m, l: m['config'].update(more)


oci('oci-good', 'ok')
oci('oci-named', 'ok', descriptor={'annotations': {'org.opencontainers.image.ref.name': 'evil:2'}})
for i, bad in enumerate(['sha256:../../../../../etc/passwd', 'sha256:' + '0' * 63, 'sha256:' + '0' * 65,
                         'sha256:' + 'A' * 64, 'md5:' + '0' * 32, '', 'sha256:' + '0' * 63 + '/']):
    oci('oci-digest-manifest-%d' % i, 'refuse', descriptor={'digest': bad})
    oci('oci-digest-config-%d' % i, 'refuse', change=set_config(digest=bad))
    oci('oci-digest-layer-%d' % i, 'refuse', change=set_layer(digest=bad))
oci('oci-size-manifest', 'refuse', descriptor={'size': 5})
oci('oci-size-config', 'refuse', change=set_config(size=5))
oci('oci-size-layer-less', 'refuse', change=set_layer(size=5))
oci('oci-size-layer-more', 'refuse', change=set_layer(size=1 << 40))
oci('oci-size-negative', 'refuse', change=set_layer(size=-1))
oci('oci-blob-manifest', 'refuse',
    blobs=lambda l, m, d: {d['digest'][7:]: json.dumps({**m, 'annotations': {}}).encode()})
oci('oci-blob-config', 'refuse', blobs=lambda l, m, d: {m['config']['digest'][7:]: b'{}'})
oci('oci-blob-layer', 'refuse',
    blobs=lambda l, m, d: {m['layers'][0]['digest'][7:]: gzip.compress(good, 1).ljust(len(packed))})
oci('oci-blob-layer-repacked', 'refuse', ['sha256'],
    blobs=lambda l, m, d: {m['layers'][0]['digest'][7:]: bytes([*packed[:4], 1, *packed[5:]])})
oci('oci-both-manifest', 'refuse', ['both'], manifest={'manifests': []})
oci('oci-both-index', 'refuse', ['both'], index={'layers': []})
oci('oci-both-config', 'refuse', ['both'], index={'config': {'digest': 'x', 'size': 1}})
oci('oci-type-lies', 'refuse', ['calls itself'], manifest={'mediaType': INDEX})
oci('oci-type-descriptor', 'refuse', ['calls itself'], descriptor={'mediaType': INDEX})
oci('oci-schema-1', 'refuse', manifest={'schemaVersion': 1})
oci('oci-layer-type', 'refuse', ['type'], change=set_layer(mediaType='application/wasm'))
oci('oci-layer-encrypted', 'refuse', ['type'], change=set_layer(mediaType=LAYER + '+encrypted'))
oci('oci-artifact', 'refuse', change=set_config(mediaType='application/vnd.example+json'))
oci('oci-other-platform', 'refuse', ['linux/s390x'],
    descriptor={'platform': {'os': 'linux', 'architecture': 's390x'}})
oci('oci-name-bad', 'refuse',
    descriptor={'annotations': {'org.opencontainers.image.ref.name': 'x/../../Y:z'}})
oci('oci-missing-layer', 'refuse', change=lambda m, l: l.blobs.pop(m['layers'][0]['digest'][7:]))


def nested(depth, name, expect):
    l = Layout()
    d = l.blob(l.image(), MANIFEST)
    for _ in range(depth):
        d = l.blob(l.index(d), INDEX)
    l.write(name, l.index(d), expect)


nested(3, 'oci-nested-3', 'ok')
nested(9, 'oci-nested-9', 'refuse')
l = Layout()
l.write('oci-no-manifests', l.index(), 'refuse')
l.write('oci-index-array', b'[]', 'refuse')
l.write('oci-index-million', b'{"schemaVersion":2,"manifests":[' + b'{},' * 1000000 + b'{}]}', 'refuse')

with open(os.path.join(out, 'cases.json'), 'w') as f:
    json.dump(cases, f)
print('%d archives' % len(cases))
