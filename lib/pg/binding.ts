import type { RedshiftCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import type { RedshiftPgClientConfig } from './config.js'
import type { RedshiftPasswordFunction } from './password.js'

/** The login that `redshiftPoolOptions` binds a client class to. */
export interface Binding {
  readonly redshift: RedshiftCredentials
  /** The password function in the same options, for libraries that create a plain `pg.Client`. */
  readonly password: RedshiftPasswordFunction
}

/** The key of a class's binding. Subclasses inherit it. */
export const binding = Symbol('binding')

/** The binding that `redshiftPoolOptions` set on a class. */
export const bindingOf = (Client: unknown): Binding | undefined =>
  typeof Client === 'function' ? (Client as { [binding]?: Binding })[binding] : undefined

/**
 * Adds the credentials of a bound client class to a configuration, and removes its password function.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function boundConfig<Config extends Pick<RedshiftPgClientConfig, 'redshift' | 'password'>>(
  config: Config,
  binding: Binding | undefined,
): Config & Pick<RedshiftPgClientConfig, 'redshift'> {
  if (!binding) return config
  const { redshift, password } = binding
  if (config.redshift !== undefined && config.redshift !== redshift)
    throw optionError(
      'redshift is set, but Client comes from redshiftPoolOptions and has other credentials. Leave redshift or Client out.',
    )
  // pg-pool makes password non-enumerable, so the spread does not copy it.
  return { ...config, redshift, password: config.password === password ? undefined : config.password }
}
