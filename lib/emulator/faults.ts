import type { EmulatedOperation } from './records.js'

/** The longest delay of a timer: 2^31 - 1. Node.js fires a timer with a longer delay at once. */
export const MAX_MILLIS = 2 ** 31 - 1

/** The most seconds in a fault, about 31 years, so that every time in a response is a valid date. */
export const MAX_SECONDS = 1_000_000_000

export const isMillis = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= MAX_MILLIS

/** A fault to inject with {@link RedshiftEmulator.fail}. All `millis` are milliseconds, 0 to 2,147,483,647. All seconds are at most 1,000,000,000. */
export type Fault =
  /** AWS holds its response until {@link ActiveFault.clear}. */
  | { kind: 'hold' }
  /** AWS delays its response by `millis`. */
  | { kind: 'latency'; millis: number }
  /** AWS accepts the request and never responds, not even after the fault is cleared. */
  | { kind: 'hang' }
  /** AWS resets the connection. */
  | { kind: 'reset' }
  /** AWS throttles the request. `retryAfterSeconds` is sent as the `Retry-After` header; default: no header. */
  | { kind: 'throttling'; retryAfterSeconds?: number | undefined }
  /** AWS responds with status 500. `retryAfterSeconds` as for `throttling`. */
  | { kind: 'internal-error'; retryAfterSeconds?: number | undefined }
  /** AWS denies access. The message names the action and the resource, as AWS does. */
  | { kind: 'access-denied' }
  /** The session token of the AWS credentials has expired. */
  | { kind: 'expired-token' }
  /** AWS does not know the access key or the session token. */
  | { kind: 'invalid-token' }
  /** The signature does not match. The message repeats the session token, as AWS does. */
  | { kind: 'signature-mismatch' }
  /** The cluster or workgroup does not exist. */
  | { kind: 'not-found' }
  /** The operation is not supported. */
  | { kind: 'unsupported' }
  /** A parameter is invalid. Default message: `1 validation error detected.` */
  | { kind: 'validation'; message?: string | undefined }
  /** AWS responds with status 200 and an unusable body: a field is missing, empty or wrong, or the document is broken. */
  | {
      kind: 'malformed'
      how:
        | 'no-user'
        | 'empty-user'
        | 'no-password'
        | 'empty-password'
        | 'no-expiration'
        | 'nan-expiration'
        | 'past-expiration'
        | 'far-expiration'
        | 'truncated'
        | 'not-a-document'
        | 'empty-body'
    }
  /** AWS repeats the expiration of its last response for the same login, with a new password or, with `samePassword`, the old one. */
  | { kind: 'same-expiry'; samePassword?: boolean | undefined }
  /** The cluster or workgroup is still being created: `DescribeClusters` and `GetWorkgroup` return no endpoint. */
  | { kind: 'creating' }
  /** AWS's clock is off by `seconds`, and with it `Date`, `Expiration` and `nextRefreshTime`. */
  | { kind: 'clock-skew'; seconds: number }
  /** A proxy removes the `Date` header from the response. */
  | { kind: 'no-date' }
  /** A proxy sends a response that is `ageSeconds` old: with an old `Date` and an `Age` header. */
  | { kind: 'stale-date'; ageSeconds: number }
  /** The database server rejects the login. Default: Redshift's error for a wrong password. */
  | { kind: 'reject-login'; sqlstate?: string | undefined; message?: string | undefined }
  /** The database server responds to the login after `millis`. */
  | { kind: 'login-latency'; millis: number }
  /** The database server accepts the connection and never responds. */
  | { kind: 'login-hang' }
  /** The database server closes the connection during the login. */
  | { kind: 'login-reset' }
  /** The database server has no entry in `pg_hba.conf` for the client's address, or none without TLS. */
  | { kind: 'no-hba-entry' }
  /**
   * A serverless workgroup resumes. The database server does not respond for `millis`, by default until {@link ActiveFault.clear}. Then
   * the login continues, or with `ends: 'reset'` the connection is closed without an error. Default: `login`.
   */
  | { kind: 'resuming'; millis?: number | undefined; ends?: 'login' | 'reset' | undefined }

export type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>

/** Which requests a fault affects. */
export interface FaultScope {
  /** How many requests or logins it affects before it ends, at least 1. Default: no limit. */
  times?: number | undefined
  /**
   * Only this AWS operation. Default: every operation that returns a login or a token; for `creating`, `DescribeClusters` and
   * `GetWorkgroup`; for `clock-skew`, `no-date` and `stale-date`, every operation. Faults of the database server ignore it.
   */
  operation?: EmulatedOperation | undefined
  /**
   * Only this cluster, workgroup or host. Default: all. If a client connects to `localhost` or an IP address, only its password identifies
   * the cluster, so of the faults of the database server only `reject-login` and `login-latency` can affect it.
   */
  target?: string | undefined
}

/** An injected fault, as {@link RedshiftEmulator.fail} returns it. With `using`, it ends with its block. */
export interface ActiveFault extends Disposable {
  /** How many requests or logins it has affected. */
  readonly hits: number
  /** Resolves when the fault has affected this many requests or logins. Default: 1. */
  reached(hits?: number): Promise<void>
  /** Ends the fault and sends the responses that it holds. */
  clear(): void
}
