import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RedshiftEmulator } from '../../emulator/index.js'
import { MISLEADING as MISLEADING_LIBPQ } from '../login/connection.js'

export const TOKEN = 'REDSHIFT_EMULATOR_CONTROL_TOKEN'
const CONTROL_URL = 'REDSHIFT_EMULATOR_CONTROL_URL'

/** Variables that would lead a program past the emulator. */
const MISLEADING = [
  ...MISLEADING_LIBPQ,
  // lib/pq fails where this one is set at all.
  'PGHOSTADDR',
  'PGUSER',
  'PGPASSWORD',
  // With a profile, SDKs leave the keys of the environment aside.
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  // SDKs refuse these beside an endpoint of one's own.
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
]

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']

/** What a program's environment needs so that it finds the emulator, and nothing else. */
export interface Variables {
  readonly set: Readonly<Record<string, string>>
  readonly unset: readonly string[]
}

/**
 * @param folder where the files of certificates go
 * @param env the environment that is changed
 */
export function variablesFor(
  emulator: RedshiftEmulator,
  folder: string,
  env: NodeJS.ProcessEnv,
  controlUrl?: string,
): Variables {
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, emulator.ca)
  return {
    set: {
      ...emulator.environment(ca),
      ...moreCertificates(emulator.ca, folder, env.NODE_EXTRA_CA_CERTS),
      ...pastProxies(env),
      ...(controlUrl !== undefined && { [CONTROL_URL]: controlUrl }),
    },
    unset: MISLEADING,
  }
}

/** An environment with the variables changed. */
export function changed(env: NodeJS.ProcessEnv, { set, unset }: Variables): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !unset.includes(name))
  return { ...Object.fromEntries(kept), ...set }
}

/** Authorities that Node programs already trust stay trusted. */
function moreCertificates(ca: string, folder: string, present: string | undefined): Record<string, string> {
  if (!present) return {}
  const file = join(folder, 'node-ca.pem')
  try {
    writeFileSync(file, `${readFileSync(present, 'utf8')}\n${ca}`)
  } catch {
    // Node goes on without a file that it cannot read, and so does this.
    return {}
  }
  return { NODE_EXTRA_CA_CERTS: file }
}

/** The AWS CLI and boto3 send requests to this machine through a proxy too, unless told. */
function pastProxies(env: NodeJS.ProcessEnv): Record<string, string> {
  if (!PROXIES.some(name => env[name])) return {}
  const list = [env.NO_PROXY || env.no_proxy, '127.0.0.1', 'localhost'].filter(Boolean).join(',')
  return { NO_PROXY: list, no_proxy: list }
}
