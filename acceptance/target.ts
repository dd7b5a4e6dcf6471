import type { RedshiftOptions } from 'pg-redshift-iam'

/** The address of the database, and the name to verify its certificate with. */
export interface Place {
  /** The cluster's or workgroup's own host name. */
  readonly host: string
  /** The address to connect to: the host or a tunnel. */
  readonly dial: { readonly host: string; readonly port: number }
  /** Certificate authorities, as PEM. Default: Node's own. */
  readonly ca: string | undefined
}

/** The cluster or workgroup to check, and how to call it. */
export interface Target extends Place {
  readonly kind: 'provisioned' | 'serverless'
  /** Cluster identifier or workgroup. */
  readonly name: string
  readonly region: string
  readonly database: string
  /** Another database, which the login is not valid for. */
  readonly otherDatabase: string | undefined
  /** A database user, for `GetClusterCredentials`. */
  readonly dbUser: string | undefined
  readonly dbGroups: readonly string[]
  /** The option `aws` of the library. */
  readonly aws: NonNullable<RedshiftOptions['aws']>
  /** The endpoint of STS. Default: AWS's own. */
  readonly stsEndpoint: string | undefined
  /** The lifetime of a login that is requested without a duration. */
  readonly lifetimeSeconds: number
  /** Whether to wait for an expiry. */
  readonly long: boolean
  /** The pause between two API calls, so that AWS does not throttle other callers. */
  readonly paceMillis: number
  /** Additional environment and Node.js options for programs. */
  readonly programs: { readonly env: Readonly<Record<string, string>>; readonly nodeOptions: readonly string[] }
}
