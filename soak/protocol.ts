/** What the process under test needs to reach the emulator. */
export interface Setting {
  readonly endpoint: string
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken: string
  }
  readonly gatewayPort: number
  readonly ca: string
  readonly cluster: string
  readonly workgroup: string
  readonly fetchTimeoutMillis: number
  readonly connectTimeoutMillis: number
  /** How many calls to make before the soak, for each service, so that everything is loaded. */
  readonly warmUps: number
}

/** The users of the package that run at the same time. */
export type Consumer = 'password' | 'pool' | 'options' | 'get'

/** Whose login a consumer needs. Each has its own cache entry. */
export type LoginOf = 'alice' | 'bob' | 'analyst'

/** A failure of a consumer. Times are those of `Date.now()`. */
export interface Failure {
  readonly consumer: Consumer
  readonly login: LoginOf
  readonly from: number
  readonly to: number
  readonly code: string | undefined
  readonly message: string
}

/** The size of the process under test at rest, after garbage collection. */
export interface Size {
  /** Objects only, without the code that V8 compiles as it warms up. */
  readonly heapBytes: number
  readonly handles: number
  readonly listeners: number
}

export interface Counts {
  readonly connections: number
  readonly queries: number
  readonly aborted: number
}

/** From the process under test. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failure'; readonly failure: Failure }
  /** A call to AWS succeeded or failed. */
  | {
      readonly kind: 'fetch'
      readonly login: LoginOf
      readonly at: number
      readonly outcome: 'fetched' | 'unchanged' | 'failed'
      readonly background: boolean
      readonly code: string | undefined
    }
  | { readonly kind: 'resting'; readonly size: Size; readonly counts: Counts }
  | { readonly kind: 'crashed'; readonly what: string }

/** To the process under test. */
export type Order = { readonly kind: 'start'; readonly setting: Setting } | { readonly kind: 'work' | 'rest' | 'end' }
