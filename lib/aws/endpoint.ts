import { optionError, quoted } from '../errors.js'
import { isAwsClient, type RedshiftOptions } from '../options.js'

interface Configuration {
  readonly endpoint?: unknown
  readonly endpointProvider?: unknown
  readonly isCustomEndpoint?: unknown
  readonly ignoreConfiguredEndpointUrls?: unknown
}

/** Removes the parts of a URL that may be secret. */
function address(endpoint: string): string {
  const url = new URL(endpoint)
  url.username = url.password = url.hash = ''
  return url.href
}

function checkUrl(endpoint: string): string {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw optionError(`aws.endpoint is ${quoted(endpoint)}. Set it to a URL, such as http://localhost:4566.`)
  return address(endpoint)
}

/** Converts the forms that the SDK accepts: a URL as a string or an object, its parts, or an object with a property `url`. */
function addressOf(endpoint: unknown): string | undefined {
  if (typeof endpoint === 'string') return checkUrl(endpoint)
  if (typeof endpoint !== 'object' || endpoint === null) return undefined
  if ('href' in endpoint) return checkUrl(String(endpoint.href))
  if ('url' in endpoint) return addressOf(endpoint.url)
  const { protocol = 'https:', hostname, port, path = '' } = endpoint as Readonly<Record<string, unknown>>
  return checkUrl(`${protocol}//${hostname}${port ? `:${port}` : ''}${path}`)
}

/** The endpoints of both services from the environment variables that the SDK reads. */
function addressesFromEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return undefined
  const all = env.AWS_ENDPOINT_URL
  const services = [env.AWS_ENDPOINT_URL_REDSHIFT || all, env.AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS || all]
  // The SDK reports an invalid URL when it uses it.
  return services.some(Boolean)
    ? services.map(url => (url && URL.canParse(url) ? address(url) : '')).join(' ')
    : undefined
}

/**
 * Returns the configured AWS endpoint without user and password, or undefined for AWS's own. Logins of different endpoints are
 * not shared. An `endpoint_url` in a profile is not known here.
 * @param shared whether logins are shared through a store, which requires a known endpoint
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function endpointOf(aws: RedshiftOptions['aws'], env: NodeJS.ProcessEnv, shared: boolean): string | undefined {
  const isReady = isAwsClient(aws)
  // In an SDK client, the endpoint is always a function.
  const config = (isReady ? (aws as { config?: unknown }).config : aws) as Configuration | undefined
  const { isCustomEndpoint, endpoint, endpointProvider, ignoreConfiguredEndpointUrls } = config ?? {}
  if (isReady ? isCustomEndpoint === true : [endpoint, endpointProvider].some(value => typeof value === 'function')) {
    if (!shared) return undefined
    throw optionError(
      'The endpoint in aws comes from a function or an SDK client, but a store shares logins by endpoint. Set aws: { endpoint } to a URL.',
    )
  }
  if (endpoint && !isReady) return addressOf(endpoint)
  return isReady || ignoreConfiguredEndpointUrls ? undefined : addressesFromEnvironment(env)
}
