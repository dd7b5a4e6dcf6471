import { type AwsClient, isAwsClient, type RedshiftOptions } from '../options.js'

/** The part of an SDK client that is used here. A client from the user may have only `send`. */
export interface SdkClient extends AwsClient {
  destroy?(): void
  config?: {
    serviceId?: unknown
    region?: unknown
    credentials?: unknown
    requestHandler?: object
  }
}

/** Destroys a client that we created. Anything that the user supplied is kept: a client, a request handler or its agents. */
export function destroyClient(client: SdkClient, aws: RedshiftOptions['aws']): void {
  if (isAwsClient(aws)) return
  const given: unknown = aws?.requestHandler
  if (typeof given === 'function' || isRequestHandler(given)) return
  const agents = destroyables(given)
  if (agents.length === 0) {
    client.destroy?.()
    return
  }
  for (const agent of destroyables(agentsOf(client))) if (!agents.includes(agent)) agent.destroy()
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isRequestHandler = (value: unknown): boolean => isObject(value) && 'handle' in value

const isDestroyable = (value: unknown): value is { destroy(): void } =>
  isObject(value) && 'destroy' in value && typeof value.destroy === 'function'

/** Looks the agents up by name, because a Proxy need not list its properties. */
const destroyables = (value: unknown) => {
  const { httpAgent, httpsAgent } = Object(value) as { httpAgent?: unknown; httpsAgent?: unknown }
  return [httpAgent, httpsAgent].filter(isDestroyable)
}

/** The agents in use, including those that the SDK created. */
function agentsOf({ config }: SdkClient): unknown {
  const handler = config?.requestHandler
  return handler && 'httpHandlerConfigs' in handler && typeof handler.httpHandlerConfigs === 'function'
    ? handler.httpHandlerConfigs()
    : undefined
}
