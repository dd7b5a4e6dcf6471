export type { RedshiftConnection } from './connection.js'
export { RedshiftCredentials } from './credentials.js'
export { RedshiftCredentialsError, type RedshiftErrorCode } from './errors.js'
export { parseRedshiftHost, type RedshiftHost } from './host.js'
export type { IdentityProvider, ProvidedToken } from './identity-provider.js'
export type { RedshiftLogin, RedshiftToken } from './login.js'
export type { AwsClient, AwsClientConfig, RedshiftApi, RedshiftOptions } from './options.js'
export { type RedshiftKnexConnection, type RedshiftKnexOptions, redshiftKnexConnection } from './orm/knex.js'
export { redshiftBeforeConnect } from './orm/sequelize.js'
export { RedshiftPgClient, type RedshiftPgClientClass } from './pg/client.js'
export type { RedshiftPgClientConfig } from './pg/config.js'
export { type RedshiftPasswordFunction, redshiftPassword } from './pg/password.js'
export {
  type RedshiftPgOptions,
  RedshiftPool,
  type RedshiftPoolConfig,
  type RedshiftPoolOptions,
  redshiftPoolOptions,
} from './pg/pool.js'
export type { RedshiftStatus } from './status.js'
export type { CredentialStore, EncryptionKey, StoredValue, StoreEntry } from './store/store.js'
export type {
  FetchEndMessage,
  FetchStartMessage,
  InvalidateMessage,
  StoreFailureReason,
  StoreIgnoredReason,
  StoreMessage,
  StoreOperation,
  TraceContext,
} from './tracing.js'
