import { transformSync } from 'esbuild'
import type { Project } from './project.js'

/**
 * The program that every tool must run: a login as the user that AWS chooses, a rejected option, and a network error, whose code must be
 * kept in test runners with separate realms. It needs `pg` and the package's exports.
 */
export const USE = `
async function use() {
  const pool = new RedshiftPool({ redshift: { workgroupName: 'analytics' } })
  const { rows } = await pool.query('select current_user as name')
  await pool.end()
  const codeOf = async (login: Promise<unknown>) => {
    const error: unknown = await login.catch((error: unknown) => error)
    if (!(error instanceof RedshiftCredentialsError)) return 'another error'
    // The ES2022 library may be missing, and with it the property cause.
    const { cause } = error as Error & { cause?: { code?: string } }
    return [error.code, cause?.code].join('/')
  }
  const nowhere = { endpoint: 'http://127.0.0.1:1', maxAttempts: 1 }
  const unreachable = new RedshiftCredentials({ workgroupName: 'analytics', database: 'dev', aws: nowhere })
  return [
    String(pool instanceof pg.Pool),
    rows[0].name,
    await codeOf(redshiftPassword({ host: 'localhost', database: 'dev' })({ user: 'IAM:alice', database: 'dev', ssl: true })),
    await codeOf(unreachable.get()),
  ].join(' ')
}
`

export const EXPECTED = 'true IAMR:analyst ERR_REDSHIFT_TARGET/ ERR_REDSHIFT_UNAVAILABLE/ECONNREFUSED'

export const NAMES = 'RedshiftCredentials, RedshiftCredentialsError, RedshiftPool, redshiftPassword'

/** The same program without types. */
export const USE_JS = transformSync(USE, { loader: 'ts' }).code

export const IMPORTS = `import pg from 'pg'\nimport { ${NAMES} } from 'pg-redshift-iam'\n`
export const REQUIRES = `const pg = require('pg')\nconst { ${NAMES} } = require('pg-redshift-iam')\n`
/** Works in CommonJS and ES modules: without esModuleInterop, pg has no default export. */
export const IMPORTS_TS = `import * as pg from 'pg'\nimport { ${NAMES} } from 'pg-redshift-iam'\n`
export const PRINT = '\nuse().then(console.log)\n'

/** Writes the program as an ES module and in CommonJS. Returns both files. */
export function writePrograms(project: Project): string[] {
  project.write('use.mjs', IMPORTS + USE_JS + PRINT)
  project.write('use.cjs', REQUIRES + USE_JS + PRINT)
  return ['use.mjs', 'use.cjs']
}

/** Imports the sub-paths by `exports` and as folders, and checks that all share one class. */
export const SAME = `
import * as imported from 'pg-redshift-iam'
import { redisStore } from 'pg-redshift-iam/redis'
import { startRedshiftEmulator } from 'pg-redshift-iam/emulator'
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const required = require('pg-redshift-iam')
const same = Object.entries(imported).every(([name, value]) => value === required[name])
let error
try { redisStore() } catch (thrown) { error = thrown }
console.log(
  same,
  error instanceof required.RedshiftCredentialsError,
  require('./node_modules/pg-redshift-iam/redis').redisStore === redisStore,
  require('pg-redshift-iam/emulator').startRedshiftEmulator === startRedshiftEmulator,
)
`
export const SAME_EXPECTED = 'true true true true'
