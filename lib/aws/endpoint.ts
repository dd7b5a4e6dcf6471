import { optionError, quoted } from '../errors.js'
import { isAwsClient, type RedshiftOptions } from '../options.js'

interface Configuration {
  readonly endpoint?: unknown
  readonly endpointProvider?: unknown
  readonly isCustomEndpoint?: unknown
  readonly ignoreConfiguredEndpointUrls?: unknown
}

/** A URL without what may be secret in it. */
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

/** The forms that the SDK accepts: a URL as a string or an object, its parts, or an object that holds a URL. */
function addressOf(endpoint: unknown): string | undefined {
  if (typeof endpoint === 'string') return checkUrl(endpoint)
  if (typeof endpoint !== 'object' || endpoint === null) return undefined
  if ('href' in endpoint) return checkUrl(String(endpoint.href))
  if ('url' in endpoint) return addressOf(endpoint.url)
  const { protocol = 'https:', hostname, port, path = '' } = endpoint as Readonly<Record<string, unknown>>
  return checkUrl(`${protocol}//${hostname}${port ? `:${port}` : ''}${path}`)
}

/** What the SDK reads of the environment, for one service and the other. */
function addressesFromEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return undefined
  const all = env.AWS_ENDPOINT_URL
  const services = [env.AWS_ENDPOINT_URL_REDSHIFT || all, env.AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS || all]
  // One that is not a URL is the SDK's to report, if it is used at all.
  return services.some(Boolean)
    ? services.map(url => (url && URL.canParse(url) ? address(url) : '')).join(' ')
    : undefined
}

/**
 * Which AWS endpoint the calls go to, without user and password; undefined: AWS's own. Logins from two endpoints are never shared.
 * @param shared whether logins are shared through a store, for which the endpoint has to be known
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function endpointOf(aws: RedshiftOptions['aws'], env: NodeJS.ProcessEnv, shared: boolean): string | undefined {
  const isReady = isAwsClient(aws)
  // A ready client has made a provider of its endpoint.
  const config = (isReady ? (aws as { config?: unknown }).config : aws) as Configuration | undefined
  const { isCustomEndpoint, endpoint, endpointProvider, ignoreConfiguredEndpointUrls } = config ?? {}
  if (isReady ? isCustomEndpoint === true : [endpoint, endpointProvider].some(it => typeof it === 'function')) {
    if (!shared) return undefined
    throw optionError(
      'A store shares logins by endpoint, and that of aws is chosen by a function or a ready client. Set aws: { endpoint } to a URL.',
    )
  }
  if (endpoint && !isReady) return addressOf(endpoint)
  return isReady || ignoreConfiguredEndpointUrls ? undefined : addressesFromEnvironment(env)
}
