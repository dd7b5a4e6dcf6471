import { EXPECTED, IMPORTS, PRINT, REQUIRES, USE_JS } from './program.js'
import { expectOutput, Project, type Row } from './project.js'

/** Sub-paths, by `exports` and as a folder, and one class from whichever side. */
const SAME = `
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

export const node: readonly Row[] = [
  {
    name: 'node',
    async run(setting) {
      const project = new Project(setting, 'node')
      await project.install('pg')
      project.write('use.mjs', IMPORTS + USE_JS + PRINT)
      project.write('use.cjs', REQUIRES + USE_JS + PRINT)
      project.write('same.mjs', SAME)
      expectOutput(await project.node('--throw-deprecation', 'use.mjs'), EXPECTED)
      expectOutput(await project.node('--throw-deprecation', 'use.cjs'), EXPECTED)
      expectOutput(await project.node('same.mjs'), 'true true true true')
    },
  },
]
