/** The emulated AWS operations. */
export type EmulatedOperation =
  | 'GetClusterCredentials'
  | 'GetClusterCredentialsWithIAM'
  | 'DescribeClusters'
  | 'DescribeCustomDomainAssociations'
  | 'GetCredentials'
  | 'GetIdentityCenterAuthToken'
  | 'GetWorkgroup'
  | 'GetCallerIdentity'

/** One HTTP request to the emulated AWS, without secrets. */
export interface EmulatedCall {
  /** The AWS operation. */
  readonly operation: EmulatedOperation
  /** When the request arrived, in milliseconds since the epoch. The fault `clock-skew` does not change it. */
  readonly at: number
  /** The AWS access key ID that signed the request; undefined if it is not signed. */
  readonly accessKeyId: string | undefined
  /** The AWS region that the request is signed for; undefined if it is not signed. */
  readonly region: string | undefined
  /** The parameters of the request, by their names in the AWS API. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The HTTP status of the response; undefined until there is one. */
  readonly status: number | undefined
}

/** One attempt to log in to the database, without secrets. */
export interface EmulatedLogin {
  /** When the start-up packet arrived, in milliseconds since the epoch. */
  readonly at: number
  /** The database user. For a token, the person with the provider's namespace (`awsidc:alice@example.com`); empty for an unknown token. */
  readonly user: string
  /** The database in the start-up packet. */
  readonly database: string
  /** The server name that the client sent in TLS (SNI); undefined if it sent none. */
  readonly host: string | undefined
  /** Whether the connection is encrypted. */
  readonly tls: boolean
  /** Whether the server accepted the login. */
  readonly ok: boolean
  /** The SQLSTATE of the rejection; undefined if the login was accepted, or the connection was closed without an error. */
  readonly sqlstate: string | undefined
  /** Which issued login or token was used: 1 for the first one. Undefined if the emulator did not issue it. */
  readonly serial: number | undefined
}
