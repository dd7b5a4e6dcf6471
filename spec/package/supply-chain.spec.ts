import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { figure } from '../support/figure.js'
import { pgVersions } from '../support/pg-versions.js'

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly license?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

interface LockedPackage extends Manifest {
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly peer?: boolean
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')
const json = <T>(...path: string[]): T => JSON.parse(text(...path))

/** Licences that require nothing but to keep the notice. */
const PERMISSIVE = ['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0']
/** The scripts that npm runs when the package is installed. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']

describe('The supply chain', () => {
  const manifest = json<Manifest>('package.json')
  const lock = json<{ lockfileVersion: number; packages: Record<string, LockedPackage> }>('package-lock.json')
  const locked = Object.entries(lock.packages).filter(([path]) => path !== '')
  /** The packages that `npm install pg-redshift-iam` installs. */
  const installed = locked.filter(([, { dev, devOptional, peer }]) => !dev && !devOptional && !peer)

  it('has no install scripts, in the package or its dependencies', () => {
    expect(Object.keys(manifest.scripts ?? {})).not.to.include.oneOf(INSTALL_SCRIPTS)
    expect(existsSync(join(root, 'binding.gyp'))).to.equal(false)
    for (const [path, { hasInstallScript }] of installed) {
      expect(hasInstallScript, path).not.to.equal(true)
      const scripts = Object.keys(json<Manifest>(path, 'package.json').scripts ?? {})
      expect(scripts, path).not.to.include.oneOf(INSTALL_SCRIPTS.filter(name => name.endsWith('install')))
    }
  })

  it('runs the specs on the oldest supported pg', () => {
    const [, oldest] = /^>=(\d+\.\d+) /.exec(manifest.peerDependencies?.pg ?? '') ?? []
    expect(pgVersions.map(([version]) => version)).to.include(`pg ${oldest}.0`)
  })

  it('consists of the two SDK clients, the file reader that they share, and lru-cache, with their dependencies, each under a permissive licence', () => {
    expect(Object.keys(manifest.dependencies ?? {})).to.have.members([
      '@aws-sdk/client-redshift',
      '@aws-sdk/client-redshift-serverless',
      '@smithy/core',
      'lru-cache',
    ])
    const foreign = installed.filter(([path]) => !/^node_modules\/(@aws-sdk|@aws|@smithy)\//.test(path))
    expect(foreign.map(([path]) => path)).to.have.members(
      ['bowser', 'lru-cache', 'tslib'].map(name => `node_modules/${name}`),
    )
    for (const [path, { license }] of installed) {
      expect(license, path).to.be.oneOf(PERMISSIVE)
      expect(json<Manifest>(path, 'package.json').license, path).to.equal(license)
    }
    figure(
      `${installed.length} packages are installed with this one: ${[...new Set(installed.map(([, { license }]) => license))].join(', ')}`,
    )
  })

  it('is locked to contents, not to a registry', () => {
    expect(lock.lockfileVersion).to.be.at.least(3)
    for (const [path, { integrity, resolved, link }] of locked) {
      if (link) continue
      expect(integrity, path).to.match(/^sha512-/)
      expect(resolved, path).to.equal(undefined)
    }
    expect(text('package-lock.json')).not.to.match(/https?:\/\/[^"]*\.tgz/)
    for (const [name, range] of Object.entries(manifest.dependencies ?? {}))
      expect(range, name).to.match(/^\^?\d+\.\d+\.\d+$/)
  })

  it('includes the licence that package.json declares', () => {
    expect(manifest.license).to.equal('MIT')
    expect(text('LICENSE')).to.match(/^MIT License/)
  })

  it('opens no file, runs no program and evaluates no code in the modules that a service imports', () => {
    const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter(
      file => file.endsWith('.ts') && !/^(cli|emulator)\b/.test(file),
    )
    const allowed = [
      '@aws-sdk/client-dynamodb',
      '@aws-sdk/client-redshift',
      '@aws-sdk/client-redshift-serverless',
      // The SDK's reader of AWS profiles.
      '@smithy/core/config',
      'lru-cache',
      'pg',
      ...['crypto', 'diagnostics_channel', 'events', 'net', 'perf_hooks', 'stream', 'timers/promises', 'tls', 'util'],
      'util/types',
    ]
    for (const file of files) {
      const source = text('lib', file)
      const imports = [...source.matchAll(/(?:from|import) ?\(?'([^'.][^']*)'/g)].map(([, name = '']) => name)
      for (const name of imports) {
        const bare = name.replace(/^node:/, '')
        expect(bare, file).to.be.oneOf(allowed)
        if (builtinModules.includes(bare)) expect(name, file).to.match(/^node:/)
      }
      expect(source, file).not.to.match(/= eval\(|new Function\(|process\.(binding|dlopen)/)
    }
    expect(files.length).to.be.above(20)
  })
})
