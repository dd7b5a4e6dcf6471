import { join } from 'node:path'
import type { RedshiftEmulator } from '../../emulator/index.js'
import { readExtraCertificates, writeCertificates } from '../login/certificates.js'
import { OVERRIDING_VARIABLES } from '../login/connection.js'
import { PROXY_VARIABLES } from '../terminal/wording.js'

export const TOKEN = 'REDSHIFT_EMULATOR_CONTROL_TOKEN'
const CONTROL_URL = 'REDSHIFT_EMULATOR_CONTROL_URL'

/** Variables that could make a program connect elsewhere. */
const UNSET = [
  ...OVERRIDING_VARIABLES,
  // Go's lib/pq fails if it is set.
  'PGHOSTADDR',
  'PGUSER',
  'PGPASSWORD',
  // With a profile, SDKs ignore the keys in the environment.
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  // SDKs do not allow these with a custom endpoint.
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
]

/** Changes of an environment that make a program use the emulator. */
export interface Variables {
  readonly set: Readonly<Record<string, string>>
  readonly unset: readonly string[]
}

/**
 * @param folder where to write the files of certificates
 * @param env the environment to change
 */
export function variablesFor(
  emulator: RedshiftEmulator,
  folder: string,
  env: NodeJS.ProcessEnv,
  controlUrl?: string,
): Variables {
  const ca = join(folder, 'ca.pem')
  writeCertificates(ca, emulator.ca)
  return {
    set: {
      ...emulator.environment(ca),
      ...extraCertificates(emulator.ca, folder, env.NODE_EXTRA_CA_CERTS),
      ...bypassProxies(env),
      ...(controlUrl !== undefined && { [CONTROL_URL]: controlUrl }),
    },
    unset: UNSET,
  }
}

/** Returns a copy of an environment with the changes. */
export function applyTo(env: NodeJS.ProcessEnv, { set, unset }: Variables): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !unset.includes(name))
  return { ...Object.fromEntries(kept), ...set }
}

/** Adds the emulator's authority to those in NODE_EXTRA_CA_CERTS. */
function extraCertificates(ca: string, folder: string, current: string | undefined): Record<string, string> {
  const extra = readExtraCertificates(current)
  if (extra === undefined) return {}
  const file = join(folder, 'node-ca.pem')
  writeCertificates(file, `${extra}\n${ca}`)
  return { NODE_EXTRA_CA_CERTS: file }
}

/** The AWS CLI and boto3 use a proxy even for requests to this machine, unless NO_PROXY contains it. */
function bypassProxies(env: NodeJS.ProcessEnv): Record<string, string> {
  if (!PROXY_VARIABLES.some(name => env[name])) return {}
  const list = [env.NO_PROXY || env.no_proxy, '127.0.0.1', 'localhost'].filter(Boolean).join(',')
  return { NO_PROXY: list, no_proxy: list }
}
