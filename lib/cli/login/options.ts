import { checkOptions } from '../../check-options.js'
import { parseRedshiftHost } from '../../host.js'
import type { RedshiftOptions } from '../../index.js'
import type { CredentialRequest } from '../../request.js'
import { resolveRequest } from '../../resolve-request.js'
import type { Flags } from '../flags.js'
import { UsageError } from '../terminal/failure.js'
import { readVariable } from '../terminal/wording.js'

/** The parameters in `--cli-input-json` or `--cli-input-yaml`, with the library's names. */
export interface CallInput {
  /** The service whose spelling the parameters have; undefined if there are none. */
  readonly service: 'redshift' | 'redshift-serverless' | undefined
  readonly parameters: Readonly<Record<string, unknown>>
}

/**
 * `connect`: the login is for the database to connect to. `print`: the login is for every database, as with the AWS CLI, unless
 * `--db-name` names one.
 */
export type Purpose = 'connect' | 'print'

/**
 * Returns the library's options for the flags and variables. The library reads `PGUSER` itself, and the SDK reads the region. `PGHOST` is an
 * option too, because a client that connects to `PGHOSTADDR` has no other host that names the cluster.
 */
export function toOptions(flags: Flags, purpose: Purpose, input?: CallInput): RedshiftOptions {
  const { clusterIdentifier, workgroupName, customDomainName, dbUser, dbName, autoCreate, durationSeconds } = flags
  // commander sets `--db-groups` without a name to true. It means an empty list.
  const dbGroups = flags.dbGroups && (Array.isArray(flags.dbGroups) ? flags.dbGroups : [])
  const given = {
    clusterIdentifier,
    workgroupName,
    customDomainName,
    dbUser,
    dbName,
    dbGroups,
    autoCreate,
    durationSeconds,
  }
  const call: RedshiftOptions = { ...input?.parameters, ...withoutUndefined(given) }
  const host = flags.host ?? readVariable('host', 'PGHOST')
  if (host && /^[/@]/.test(host))
    throw new UsageError(
      flags.host === undefined
        ? `PGHOST is ${JSON.stringify(host)}, a Unix socket, which Redshift does not have. Give --host, or unset PGHOST.`
        : `--host is ${JSON.stringify(host)}, a Unix socket, which Redshift does not have. Give the host name of the cluster or workgroup.`,
    )
  if (!host && !call.clusterIdentifier && !call.workgroupName && !call.customDomainName)
    throw new UsageError(
      'No cluster or workgroup is named. Give --host (or set PGHOST) with its own host name, or --cluster-identifier or --workgroup-name, and --region.',
    )
  const database = call.dbName ?? readVariable('database', 'PGDATABASE')
  const connection = { host, port: flags.port ?? readPort(), region: flags.region, database, ssl: true }
  const options: RedshiftOptions = {
    ...call,
    dbName: purpose === 'print' && !flags.identityCenter ? (call.dbName ?? null) : undefined,
    // A token is valid for every database. The library refuses the flags that it does not support with tokens.
    ...(flags.identityCenter ? { api: 'GetIdentityCenterAuthToken' } : customDomainApi(call, host, input)),
    ...connection,
  }
  if (purpose === 'connect' && database === undefined) {
    // Reports a wrong host first: a JDBC URL contains the database that seems to be missing.
    requestFor({ ...options, database: 'dev' })
    throw new UsageError('No database is named. Give --db-name, or set PGDATABASE.')
  }
  return options
}

/**
 * Returns the request that the library will send for these options.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`
 */
export function requestFor(options: RedshiftOptions): CredentialRequest {
  checkOptions(options)
  return resolveRequest(options, {}, process.env)
}

/** Returns the port in `PGPORT`. The library refuses a number that is not a port. */
function readPort(): number | undefined {
  const value = readVariable('port', 'PGPORT')
  if (value === undefined) return undefined
  const port = Number(value)
  if (Number.isNaN(port))
    throw new UsageError(`PGPORT is ${JSON.stringify(value)}. Set it to a whole number from 1 to 65535.`)
  return port
}

/** A custom domain name alone does not select an operation. The other parameters do, because each belongs to one command of the AWS CLI. */
function customDomainApi(
  call: RedshiftOptions,
  host: string | undefined,
  input: CallInput | undefined,
): Pick<RedshiftOptions, 'api'> {
  const isTargetKnown =
    call.clusterIdentifier !== undefined ||
    call.workgroupName !== undefined ||
    parseRedshiftHost(host ?? '') !== undefined
  if (call.customDomainName === undefined || isTargetKnown) return {}
  if (call.dbUser !== undefined || call.dbGroups !== undefined || call.autoCreate !== undefined)
    return { api: 'GetClusterCredentials' }
  return { api: input?.service === 'redshift' ? 'GetClusterCredentialsWithIAM' : 'GetCredentials' }
}

const withoutUndefined = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
