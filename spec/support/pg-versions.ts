import { createRequire } from 'node:module'
import pg from 'pg'

const require = createRequire(import.meta.url)

/** The newest pg, and the oldest one that is supported, each with its version. */
export const pgVersions: readonly (readonly [version: string, module: typeof pg])[] = [
  [`pg ${require('pg/package.json').version}`, pg],
  [`pg ${require('pg-oldest/package.json').version}`, require('pg-oldest')],
]
