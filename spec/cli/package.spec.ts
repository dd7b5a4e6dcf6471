import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { build } from 'esbuild'
import { buildCli } from '../../scripts/build-cli.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packageFile = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

describe('The command line in the package', () => {
  let folder: string
  let imported: readonly string[]
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-cli-'))
    imported = await buildCli(folder)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('is one file that imports only Node.js, the package itself and its dependencies', () => {
    const code = readFileSync(join(folder, 'cli/main.js'), 'utf8')
    expect(code.startsWith('#!/usr/bin/env node\n')).to.equal(true)
    const foreign = imported.filter(name => !/^(node:)?[a-z_/]+$/.test(name))
    expect(new Set(foreign)).to.deep.equal(
      new Set(['../index.cjs', '../emulator.cjs', '@aws-sdk/client-redshift', '@smithy/core/config']),
    )
    expect(Object.keys(packageFile.dependencies)).to.deep.equal([
      '@aws-sdk/client-redshift',
      '@aws-sdk/client-redshift-serverless',
      '@smithy/core',
      'lru-cache',
    ])
    expect(packageFile.bin).to.deep.equal({ 'pg-redshift-iam': 'dist/cli/main.js' })
  })

  it('comes with the licences of the bundled packages', () => {
    const text = readFileSync(join(folder, 'cli/LICENSES.txt'), 'utf8')
    for (const name of ['commander', 'jmespath', 'leven', 'table', 'yaml'])
      expect(text).to.match(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|ISC|Apache-2\\.0|BSD-3-Clause)\\)$`, 'm'))
    expect(text).to.include('Permission is hereby granted, free of charge')
  })

  /** The sources that a bundle of this entry point contains. */
  const sourcesOf = async (entryPoint: string, external: readonly string[] = []): Promise<string[]> => {
    const { metafile } = await build({
      entryPoints: [join(root, entryPoint)],
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      external: [...external],
      metafile: true,
      write: false,
    })
    return Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
  }

  it('is not loaded by importing the package', async () => {
    const sources = await sourcesOf('lib/index.ts')
    expect(sources.filter(file => file.startsWith('lib/cli/'))).to.deep.equal([])
  })

  it('has a copy of no class of the library, except that of its errors', async () => {
    const sources = await sourcesOf('lib/cli/main.ts', ['*/index.js'])
    const copied = sources.filter(file => /^lib\/(?!cli|emulator)/.test(file))
    expect(copied).to.include('lib/resolve-request.ts').and.not.include('lib/credentials.ts')
    const classes = copied.flatMap(file =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\bclass (\w+) extends|^(?:export )?class (\w+)/gm)].map(
        ([, extending, plain]) => extending ?? plain,
      ),
    )
    expect(classes).to.deep.equal(['RedshiftCredentialsError'])
  })

  it("ships Amazon's root certificates as they are in Node.js", () => {
    const pem = readFileSync(join(folder, 'cli/amazon-roots.pem'), 'utf8')
    const shipped = pem.match(/-----BEGIN[\s\S]+?END CERTIFICATE-----/g)?.map(part => new X509Certificate(part)) ?? []
    const known = new Set(rootCertificates.map(part => new X509Certificate(part).fingerprint256))
    expect(shipped.map(({ subject }) => /CN=(.+)/.exec(subject)?.[1])).to.deep.equal([
      'Amazon Root CA 1',
      'Amazon Root CA 2',
      'Amazon Root CA 3',
      'Amazon Root CA 4',
      'Starfield Services Root Certificate Authority - G2',
    ])
    for (const { fingerprint256, subject } of shipped) expect(known.has(fingerprint256), subject).to.equal(true)
  })
})
