// SPDX-License-Identifier: Apache-2.0
//
// What surrounds the program: completion in real shells, manual pages, the service's unit, alert
// rules, dashboard, Kubernetes manifests and the package's scripts, each read by the tool that will
// read it. `make test-deb` installs the package itself, `make test-service` boots a system with it, and
// `make test-image` builds and runs the image.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { mustRun, program, root, workspace } from './harness.mjs';
import { isCompleted, serviceConfig, startService, writeConfig } from './running.mjs';
import { ask } from './web.mjs';

const deploy = join(root, 'deploy');
const build = dirname(program);

/** What a tool prints, both streams; fails unless it ends with 0. */
function tool(name, ...args) {
    const { error, status, stdout, stderr } = spawnSync(name, args, {
        encoding: 'utf8', env: { ...process.env, PATH: `${build}:${process.env.PATH}` },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (error) throw error;
    assert.equal(status, 0, `${name} ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout + stderr;
}

function lines(text) {
    return text.split('\n').filter((line) => line !== '').map((line) => line.trimEnd());
}

describe('completion', () => {
    /** The words of the line as bash would take it apart, then what it offers. */
    function inBash(...words) {
        return lines(tool('bash', '--norc', '--noprofile', '-c', `
            eval "$(satellite completion bash)"
            complete -p satellite > /dev/null || exit
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _satellite
            printf '%s\\n' "\${COMPREPLY[@]}"`, 'bash', 'satellite', ...words));
    }

    it('works in bash', () => {
        assert.deepEqual(inBash('backup', 'veri'), ['verify']);
        assert.deepEqual(inBash('backup', 'config', ''), ['validate', 'show', 'init', 'update']);
        assert.deepEqual(inBash('backup', 'export', '--format', ''), ['ndjson', 'csv', 'sqlite']);
        assert.deepEqual(inBash('backup', 'export', '--format', '=', 'c'), ['csv']);
        assert.deepEqual(inBash('backup', 'run', '--validation', '='), ['warn', 'strict']);
        assert.deepEqual(inBash('backup', 'run', '--page-s'), ['--page-size']);
        assert.deepEqual(inBash('nothing', 'like'), []);
    });

    it('leaves file names to bash', () => {
        const offered = inBash('--config', join(deploy, 'kuber'));
        assert.deepEqual(offered, [join(deploy, 'kubernetes')]);
        assert.deepEqual(inBash('--backup-dir', join(root, 'READM')), [], 'a file is no directory');
    });

    it('works in fish', () => {
        const inFish = (line) => lines(tool('fish', '--no-config', '-c',
            `satellite completion fish | source; complete -C '${line}'`));
        assert.deepEqual(inFish('satellite backup veri').map((each) => each.split('\t')[0]),
            ['verify']);
        assert.match(inFish('satellite backup run --page-s')[0], /^--page-size\tKeys asked for/);
        assert.deepEqual(inFish('satellite backup export --format c').map((each) =>
            each.split('\t')[0]), ['csv']);
        assert.ok(inFish(`satellite --config ${deploy}/kuber`)[0].startsWith(`${deploy}/kubernetes`));
    });

    it('works in zsh', () => {
        // A terminal of zsh's own: what is typed there, and what stands there after the tab.
        const shown = tool('zsh', '-f', '-c', `
            export TERM=xterm COLUMNS=200
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell 'autoload -Uz compinit; compinit -u -D
                source <(satellite completion zsh); PS1=REA""DY'
            zpty -r -m shell answer '*READY*'
            for line in 'satellite backup veri' 'satellite run ba' 'satellite backup run --page-s' \\
                    'satellite backup export --format=c' 'satellite --config ${deploy}/kuber'; do
                zpty -w -n shell "$line"$'\\t'
                zpty -w -n shell $'\\C-a: \\n'
                zpty -r -m shell answer '*READY*'
                print -r -- "$answer"
            done
            zpty -d shell`);
        for (const whole of ['backup verify', 'run backup', '--page-size', '--format=csv',
            `${deploy}/kubernetes`])
            assert.ok(shown.includes(whole), `${whole} in: ${shown}`);
    });
});

describe('manual pages', () => {
    for (const page of ['satellite.1', 'satellite-config.5']) {
        const path = join(build, 'src', page);
        it(`${page} is clean`, () => {
            assert.equal(spawnSync('man', ['--warnings', '-l', path], {
                encoding: 'utf8', env: { ...process.env, MANWIDTH: '80', MANPAGER: 'cat' },
            }).stderr, '');
            assert.equal(tool('mandoc', '-Tlint', '-W', 'warning', path), '');
        });
    }

    it('name every command, option and setting', async () => {
        const text = (page) => tool('mandoc', '-T', 'ascii', join(build, 'src', page))
            .replace(/.\u0008/g, '').replace(/\s+/g, ' ');
        const commands = text('satellite.1');
        const { stdout } = await mustRun(['help', '--json']);
        for (const { command, options } of JSON.parse(stdout).commands)
            for (const name of [command, ...options.map(({ flag }) => flag)])
                assert.ok(commands.includes(name), name);
        const settings = text('satellite-config.5');
        const shown = JSON.parse((await mustRun(['backup', 'config', 'show', '--json'])).stdout);
        for (const name of Object.keys(shown)) assert.ok(settings.includes(` ${name} `), name);
    });
});

describe('the service\'s unit', () => {
    const unit = join(build, 'deploy', 'satellite.service');

    it('is what systemd understands', (t) => {
        const path = join(workspace(t), 'satellite.service');
        writeFileSync(path, readFileSync(unit, 'utf8')
            .replace(/^ExecStart=\S+/m, `ExecStart=${program}`));
        // It ends with 0 and only says what it does not know. The manual is not installed here.
        assert.equal(tool('systemd-analyze', 'verify', '--man=no', path), '');
    });

    it('is well shut in', () => {
        tool('systemd-analyze', 'security', '--offline=true', '--threshold=15', unit);
    });

    it('leaves the service the set-group-ID bit of backup.group, and openat2', () => {
        assert.doesNotMatch(readFileSync(unit, 'utf8'), /^(RestrictSUIDSGID|DynamicUser)=/m);
    });

    it('starts what there is', async () => {
        const [, command] = /^ExecStart=\S+ (.*)$/m.exec(readFileSync(unit, 'utf8'));
        await mustRun([...command.split(' '), '--help']);
    });
});

describe('make install', () => {
    it('brings everything below DESTDIR', (t) => {
        const target = workspace(t);
        tool('meson', 'install', '--no-rebuild', '-C', build, '--destdir', target);
        const prefix = join(target, 'usr', 'local');
        const found = new Set(readdirSync(prefix, { recursive: true }));
        for (const path of ['bin/satellite', 'etc/logrotate.d/satellite', 'include/scb/service.h',
            'lib/systemd/system/satellite.service', 'lib/sysusers.d/satellite.conf',
            'lib/tmpfiles.d/satellite.conf', 'share/man/man1/satellite.1',
            'share/man/man5/satellite-config.5',
            'share/bash-completion/completions/satellite.bash',
            'share/zsh/site-functions/_satellite',
            'share/fish/vendor_completions.d/satellite.fish',
            'share/doc/satellite/examples/backup-config.yaml',
            'share/doc/satellite/prometheus/satellite.rules.yml',
            'share/doc/satellite/grafana/satellite.json',
            'share/doc/satellite/kubernetes/kustomization.yaml',
            'share/doc/satellite/docker/Dockerfile'])
            assert.ok(found.has(path), path);
        assert.match(readFileSync(join(prefix, 'lib/systemd/system/satellite.service'), 'utf8'),
            /^ExecStart=\/usr\/local\/bin\/satellite run backup /m);
    });
});

/** Every metric that the program has, out of its one table. */
const METRICS = [...readFileSync(join(root, 'src', 'observe', 'metrics.def'), 'utf8')
    .matchAll(/^SCB_METRIC\(\w+, "(\w+)"/gm)].map(([, name]) => name);

/** The metrics that a text names, without what a histogram adds to its name. */
function metricsIn(text) {
    return new Set([...text.matchAll(/satellite_backup_(\w+)/g)]
        .map(([, name]) => name.replace(/_seconds_(bucket|sum|count)$/, '_seconds')));
}

describe('monitoring', () => {
    const prometheus = join(deploy, 'prometheus');

    it('alerts when it must and not before', () => {
        tool('promtool', 'check', 'config', join(prometheus, 'prometheus.yml'));
        tool('promtool', 'test', 'rules', join(prometheus, 'satellite.rules.test.yml'));
        const names = (file) => new Set([...readFileSync(join(prometheus, file), 'utf8')
            .matchAll(/alert(?:name)?: (\w+)/g)].map(([, name]) => name));
        assert.deepEqual(names('satellite.rules.test.yml'), names('satellite.rules.yml'),
            'each alert has its test');
    });

    it('names only metrics that there are', () => {
        for (const file of ['prometheus/satellite.rules.yml', 'grafana/satellite.json'])
            for (const name of metricsIn(readFileSync(join(deploy, file), 'utf8')))
                assert.ok(METRICS.includes(name), `${file}: ${name}`);
    });

    it('shows every metric on the dashboard', () => {
        const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana', 'satellite.json')));
        const shown = metricsIn(JSON.stringify(panels));
        assert.deepEqual(METRICS.filter((name) => !shown.has(name)), []);
        assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    });

    it('asks for what Prometheus understands', (t) => {
        const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana', 'satellite.json')));
        const rules = panels.flatMap(({ targets }, panel) => targets.map(({ expr }, i) => ({
            record: `panel_${panel}_${i}`,
            expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
        })));
        const path = join(workspace(t), 'rules.json');
        writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
        tool('promtool', 'check', 'rules', path);
    });
});

/** All documents of a YAML file. */
function yaml(path) {
    return JSON.parse(execFileSync('/usr/bin/python3', ['-c',
        'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))',
        path], { encoding: 'utf8' }));
}

/** What the API's types say against objects: unknown fields and wrong types. */
function typeErrors(objects) {
    const source = objects.map((object, i) => {
        const [group, version] = object.apiVersion.includes('/')
            ? object.apiVersion.replace('.k8s.io', '').split('/') : ['core', object.apiVersion];
        return `import type { ${object.kind} as T${i} } from 'kubernetes-types/${group}/${version}';
            export const object${i}: T${i} = ${JSON.stringify(object, null, 1)};`;
    }).join('\n');
    const options = { strict: true, noEmit: true, skipLibCheck: true, types: [],
        moduleResolution: ts.ModuleResolutionKind.Node10 };
    const path = join(root, 'manifests.ts'); // in memory only
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists } = host;
    host.fileExists = (name) => name === path || fileExists.call(host, name);
    host.getSourceFile = (name, language) => (name === path
        ? ts.createSourceFile(name, source, language) : getSourceFile.call(host, name, language));
    const checked = ts.createProgram([path], options, host);
    return ts.getPreEmitDiagnostics(checked)
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('Kubernetes', () => {
    const manifests = join(deploy, 'kubernetes');
    const [kustomization] = yaml(join(manifests, 'kustomization.yaml'));
    const objects = kustomization.resources.flatMap((name) => yaml(join(manifests, name)));
    const deployment = objects.find(({ kind }) => kind === 'Deployment');

    it('manifests are what the API takes', () => {
        assert.deepEqual(typeErrors(objects), []);
        const wrong = structuredClone(objects);
        wrong.find(({ kind }) => kind === 'Deployment').spec.template.spec.containers[0].imagge = '';
        assert.equal(typeErrors(wrong).length, 1, 'an unknown field is seen');
    });

    it('manifests fit each other', () => {
        const named = (kind) => objects.find((object) => object.kind === kind);
        const { template, selector, strategy, replicas } = deployment.spec;
        assert.equal(strategy.type, 'Recreate');
        assert.equal(replicas, 1);
        const { labels } = template.metadata;
        for (const wanted of [selector.matchLabels, named('Service').spec.selector,
            named('NetworkPolicy').spec.podSelector.matchLabels])
            for (const [name, value] of Object.entries(wanted)) assert.equal(labels[name], value);
        const [container] = template.spec.containers;
        const volumes = template.spec.volumes.map(({ name }) => name);
        assert.deepEqual(container.volumeMounts.map(({ name }) => name).sort(), volumes.sort());
        const by = (member) => template.spec.volumes.find((volume) => volume[member])[member];
        assert.equal(by('persistentVolumeClaim').claimName,
            named('PersistentVolumeClaim').metadata.name);
        assert.equal(by('secret').secretName, named('Secret').metadata.name);
        assert.equal(by('configMap').name, kustomization.configMapGenerator[0].name);
        const mounted = container.volumeMounts.find(({ name }) => name === 'secrets').mountPath;
        assert.ok(Object.keys(named('Secret').stringData)
            .some((key) => container.env[0].value === `${mounted}/${key}`));
        const [{ name, containerPort }] = container.ports;
        assert.equal(template.metadata.annotations['prometheus.io/port'], String(containerPort));
        for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
            assert.equal(container[probe].httpGet.port, name);
        assert.equal(named('Service').spec.ports[0].targetPort, name);
        assert.equal(named('NetworkPolicy').spec.ingress[0].ports[0].port, containerPort);
        const [configuration] = yaml(join(manifests, 'backup-config.yaml'));
        assert.equal(configuration.server.listen, `0.0.0.0:${containerPort}`);
    });

    it('start a service that answers its probes', async (t) => {
        // What differs: paths, the port, and what everybody fills in, the contract and its endpoint.
        const node = await startFakeNode({ entries: realisticEntries(50) });
        t.after(() => node.stop());
        const [container] = deployment.spec.template.spec.containers;
        const directory = workspace(t);
        const config = join(directory, 'backup-config.yaml');
        writeFileSync(config, readFileSync(join(manifests, 'backup-config.yaml'), 'utf8')
            .replaceAll('/var/lib/satellite', directory)
            .replace(/address: ".*"/, `address: "${node.address}"`).replace(':9464"', ':0"'));
        writeFileSync(join(directory, 'rpc-urls'), `${node.url}\n`);
        const env = Object.fromEntries(container.env.map(({ name, value }) =>
            [name, value.replace('/run/secrets/satellite', directory)]));
        assert.deepEqual(container.command, ['satellite', 'run', 'backup']);
        const service = startService(t, config, { env: { ...env, SATELLITE_SERVER_LISTEN: undefined } });
        const { url } = await service.until(({ msg }) => msg === 'HTTP server started');
        const get = (path) => ask(url.replace('0.0.0.0', '127.0.0.1'), { path,
            headers: { Host: '192.0.2.7:9464' } }); // the pod's address, as kubelet and Prometheus have it
        for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
            assert.equal((await get(container[probe].httpGet.path)).status, 200, probe);
        assert.equal((await get('/metrics')).status, 200);
        for (const closed of ['/', '/api/v1/status']) assert.equal((await get(closed)).status, 403, closed);
        await service.until(isCompleted);
        await service.stop();
    });
});

describe('the image', () => {
    it('asks for its health where the service answers', async (t) => {
        const dockerfile = readFileSync(join(deploy, 'docker', 'Dockerfile'), 'utf8');
        const health = new URL(/^ *CMD \["curl", "-fsS", "(.*)"\]$/m.exec(dockerfile)[1]);
        const shown = JSON.parse((await mustRun(['backup', 'config', 'show', '--json'],
            { env: { SATELLITE_SERVER_LISTEN: undefined } })).stdout);
        assert.equal(shown['server.listen'].value, health.host);
        assert.match(dockerfile, new RegExp(`^EXPOSE ${health.port}$`, 'm'));
        const node = await startFakeNode({ entries: realisticEntries(5) });
        t.after(() => node.stop());
        const directory = workspace(t);
        const config = join(directory, 'backup-config.yaml');
        writeConfig(config, serviceConfig(directory, node));
        const service = startService(t, config);
        const { url } = await service.until(({ msg }) => msg === 'HTTP server started');
        assert.equal((await ask(url, { path: health.pathname })).status, 200);
        await service.stop();
    });
});

describe('scripts and YAML', () => {
    it('pass shellcheck', () => {
        const maintainer = readdirSync(join(root, 'debian'))
            .filter((name) => /\.(post|pre)(inst|rm)$/.test(name))
            .map((name) => join(root, 'debian', name));
        assert.ok(maintainer.length >= 2);
        tool('shellcheck', '-s', 'sh', ...maintainer);
        const scripts = readdirSync(join(root, 'scripts')).filter((name) => name.endsWith('.sh'))
            .map((name) => join(root, 'scripts', name));
        tool('shellcheck', '-x', '-P', root, ...scripts);
    });

    it('pass yamllint', () => {
        assert.equal(tool('yamllint', '-s', '-c', join(root, '.yamllint.yml'), deploy), '');
    });
});
