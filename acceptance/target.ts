import type { RedshiftOptions } from 'pg-redshift-iam'

/** Where connections to the database go, and what their certificate is checked against. */
export interface Place {
  /** The cluster's or workgroup's own host name. */
  readonly host: string
  /** What is dialled: the same, or a tunnel. */
  readonly dial: { readonly host: string; readonly port: number }
  /** Certificate authorities, as PEM. Default: Node's own. */
  readonly ca: string | undefined
}

/** What the kit asks, and with what. */
export interface Target extends Place {
  readonly kind: 'provisioned' | 'serverless'
  /** Cluster identifier or workgroup. */
  readonly name: string
  readonly region: string
  readonly database: string
  /** A second database, which the login is not for. */
  readonly otherDatabase: string | undefined
  /** A database user, for `GetClusterCredentials`. */
  readonly dbUser: string | undefined
  readonly dbGroups: readonly string[]
  /** Configuration of the AWS SDK's clients, as the library takes it. */
  readonly aws: NonNullable<RedshiftOptions['aws']>
  /** Where STS is. Default: AWS's own. */
  readonly stsEndpoint: string | undefined
  /** How long a login lives that is asked for without a duration. */
  readonly lifetimeSeconds: number
  /** Whether to wait for an expiry. */
  readonly long: boolean
  /** The pause between two API calls, so that AWS is not throttled on behalf of others. */
  readonly paceMillis: number
  /** Environment and Node.js options that programs are started with, beside those of this process. */
  readonly programs: { readonly env: Readonly<Record<string, string>>; readonly nodeOptions: readonly string[] }
}
