import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import pg from 'pg'

const require = createRequire(import.meta.url)

/** The newest pg, and the oldest one that is supported, each with its version. */
export const pgVersions: readonly (readonly [version: string, module: typeof pg])[] = [
  [`pg ${require('pg/package.json').version}`, pg],
  [`pg ${require('pg-oldest/package.json').version}`, require('pg-oldest')],
]

/** The version of pg-protocol that each of them loads: npm would install the newest for both. */
export const pgProtocolVersions: readonly string[] = ['pg', 'pg-oldest'].map(name => {
  const main = createRequire(require.resolve(name)).resolve('pg-protocol')
  return JSON.parse(readFileSync(main.replace(/(?<=pg-protocol\/).*$/, 'package.json'), 'utf8')).version
})
