#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Load every archive of make_layers.py and see that nothing comes of the hostile ones.

    run_layers.py WORK TOOL LIBEXEC [CASE...]    TOOL is tests/helpers/image_tool

Each case is loaded from the file and from a pipe, into a store that holds another image already. After
a refusal the store must be what it was: every file below layers/ and every row. After a load that is
allowed, the layers must be what the case says. The canary must never change.
"""
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile

RSS_MAX_KIB = 32 << 10
SECONDS_MAX = 60


def tree_of(path):
    """Everything below a folder: names, types, modes, owners, contents of small files."""
    found = {}
    for folder, dirs, files in os.walk(path):
        for name in dirs + files:
            p = os.path.join(folder, name)
            st = os.lstat(p)
            found[os.path.relpath(p, path)] = (st.st_mode, st.st_uid, st.st_gid, st.st_size
                                               if stat.S_ISREG(st.st_mode) else 0, st.st_mtime_ns)
    return found


def rows_of(root):
    db = sqlite3.connect('file:%s/hull.db?mode=ro' % root, uri=True)
    try:
        return {t: sorted(db.execute('SELECT * FROM ' + t)) for t in
                ('image', 'layer', 'image_layer', 'reference')}
    finally:
        db.close()


def snapshot(root):
    return tree_of(root + '/layers'), rows_of(root)


def check_node(path, wanted):
    """None, or what is wrong."""
    try:
        st = os.lstat(path)
    except FileNotFoundError:
        return None if wanted == 'absent' else 'is missing'
    kind, _, value = wanted.partition(':')
    attrs = [] if stat.S_ISLNK(st.st_mode) else os.listxattr(path)
    good = {
        'dir': lambda: stat.S_ISDIR(st.st_mode),
        'file': lambda: stat.S_ISREG(st.st_mode),
        'link': lambda: stat.S_ISLNK(st.st_mode) and os.readlink(path) == value,
        'whiteout': lambda: stat.S_ISCHR(st.st_mode) and st.st_rdev == 0,
        'opaque': lambda: os.getxattr(path, 'trusted.overlay.opaque') == b'y',
        'mode': lambda: stat.S_IMODE(st.st_mode) == int(value, 8),
        'sparse': lambda: st.st_blocks * 512 < st.st_size / 16,
        'xattr': lambda: attrs == ([value] if value else []),
        'capability-v2': lambda: len(os.getxattr(path, 'security.capability')) == 20,
    }
    try:
        return None if good.get(kind, lambda: False)() else 'is not ' + wanted
    except OSError as e:
        return str(e)


class Runner:
    def __init__(self, work, tool, libexec):
        self.work, self.tool, self.libexec = work, tool, libexec
        self.canary = work + '/canary/file'
        self.root = work + '/root'
        self.failures = []
        self.rss = 0, ''
        self.loads = 0

    def load(self, case, how):
        """(return code, stdout, stderr) of one load; its memory is remembered."""
        path = '%s/corpus/%s.tar' % (self.work, case['name'])
        args = [self.tool, self.root, self.libexec, 'load', path if how == 'file' else '-']
        self.loads += 1
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            cat = subprocess.Popen(['cat', path], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL) if how == 'pipe' else None
            p = subprocess.Popen(args, env={**os.environ, **case['env']}, stdout=out, stderr=err,
                                 stdin=cat.stdout if cat else subprocess.DEVNULL)
            if cat:
                cat.stdout.close()
            signal.alarm(SECONDS_MAX)
            try:
                _, status, usage = os.wait4(p.pid, 0)
            except TimeoutError:
                p.kill()
                raise
            finally:
                signal.alarm(0)
                if cat:
                    cat.wait()
            p.returncode = os.waitstatus_to_exitcode(status)
            if usage.ru_maxrss > self.rss[0]:
                self.rss = usage.ru_maxrss, '%s (%s)' % (case['name'], how)
            out.seek(0)
            err.seek(0)
            return (p.returncode, out.read().decode(errors='replace'),
                    err.read().decode(errors='replace'))

    def fail(self, case, how, why):
        self.failures.append('%s (%s): %s' % (case['name'], how, why))

    def check_tree(self, case, how):
        found = subprocess.run([self.tool, self.root, self.libexec, 'layers', self.image],
                               capture_output=True, text=True)
        layers = found.stdout.split('\n')[:-1]
        if found.returncode or not layers:
            return self.fail(case, how, 'no layers: ' + found.stderr)
        for path, wanted in case['tree'].items():
            wrong = check_node(os.path.join(layers[0], path), wanted)
            if wrong:
                self.fail(case, how, '%s %s' % (path, wrong))

    def run(self, case, how, before):
        try:
            code, out, err = self.load(case, how)
        except TimeoutError:
            return self.fail(case, how, 'takes too long')
        if code not in (0, 1) or 'hull-unpack was ended' in err or 'hull-unpack ended' in err:
            self.fail(case, how, 'crashed: %d %s' % (code, err))
        if case['expect'] == 'refuse':
            if code != 1:
                self.fail(case, how, 'was loaded')
            for word in case['words']:
                if word not in err:
                    self.fail(case, how, 'does not say "%s": %s' % (word, err.strip()))
        elif code != 0:
            return self.fail(case, how, 'was refused: ' + err.strip())
        if code == 0:
            self.image = out.split()[-1]
            self.check_tree(case, how)
            subprocess.run([self.tool, self.root, self.libexec, 'rmi-force', self.image],
                           capture_output=True, check=True)
        if snapshot(self.root) != before:
            self.fail(case, how, 'the store is not what it was')

    def keep_resident(self, case):
        """One image that stays, under a name of its own."""
        self.load(case, 'file')
        for command in (['tag', 'evil:1', 'resident:1'], ['rmi', 'evil:1']):
            subprocess.run([self.tool, self.root, self.libexec, *command], capture_output=True,
                           check=True)

    def main(self, only):
        os.makedirs(self.work + '/corpus', exist_ok=True)
        os.makedirs(self.work + '/canary', exist_ok=True)
        with open(self.canary, 'w') as f:
            f.write('untouched')
        helper = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'make_layers.py')
        subprocess.run([sys.executable, helper, self.work + '/corpus', self.canary], check=True)
        cases = json.load(open(self.work + '/corpus/cases.json'))
        resident = next(c for c in cases if c['name'] == 'zeros-become-holes')
        self.keep_resident(resident)
        before, canary = snapshot(self.root), tree_of(self.work + '/canary')
        for case in cases:
            if case is resident or (only and case['name'] not in only) or \
                    (case['name'] == 'bomb-sparse-map' and os.environ.get('ANY_MEMORY')):
                continue
            for how in ('file', 'pipe'):
                self.run(case, how, before)
        if tree_of(self.work + '/canary') != canary or open(self.canary).read() != 'untouched':
            self.failures.append('the canary was changed')
        if self.rss[0] > RSS_MAX_KIB and not os.environ.get('ANY_MEMORY'):
            self.failures.append('%s took more than %d KiB' % (self.rss[1], RSS_MAX_KIB))
        print('%d archives, %d loads, %d failures, most memory: %d KiB in %s' %
              (len(cases), self.loads, len(self.failures), *self.rss))
        for failure in self.failures:
            print('FAILED', failure)
        return 1 if self.failures else 0


def on_alarm(*_):
    raise TimeoutError


if __name__ == '__main__':
    signal.signal(signal.SIGALRM, on_alarm)
    sys.exit(Runner(os.path.abspath(sys.argv[1]), *sys.argv[2:4]).main(sys.argv[4:]))
