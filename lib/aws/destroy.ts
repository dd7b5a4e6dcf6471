import { type AwsClient, isAwsClient, type RedshiftOptions } from '../options.js'

/** The part of an SDK client that is used here. Ready-made ones may lack all but `send`. */
export interface SdkClient extends AwsClient {
  destroy?(): void
  config?: {
    serviceId?: unknown
    region?: unknown
    credentials?: unknown
    requestHandler?: object
  }
}

/** Destroys a client that was made here. What was given ready-made stays: a client, a request handler, the agents of one. */
export function destroyClient(client: SdkClient, aws: RedshiftOptions['aws']): void {
  if (isAwsClient(aws)) return
  const given: unknown = aws?.requestHandler
  if (typeof given === 'function' || isRequestHandler(given)) return
  const agents = destroyables(given)
  if (agents.length === 0) client.destroy?.()
  else for (const agent of destroyables(agentsOf(client))) if (!agents.includes(agent)) agent.destroy()
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isRequestHandler = (value: unknown): boolean => isObject(value) && 'handle' in value

const isDestroyable = (value: unknown): value is { destroy(): void } =>
  isObject(value) && 'destroy' in value && typeof value.destroy === 'function'

/** By their names: a Proxy need not list what it has. */
const destroyables = (value: unknown) => {
  const { httpAgent, httpsAgent } = Object(value) as { httpAgent?: unknown; httpsAgent?: unknown }
  return [httpAgent, httpsAgent].filter(isDestroyable)
}

/** The agents in use, those that the SDK has made included. */
function agentsOf({ config }: SdkClient): unknown {
  const handler = config?.requestHandler
  return handler && 'httpHandlerConfigs' in handler && typeof handler.httpHandlerConfigs === 'function'
    ? handler.httpHandlerConfigs()
    : undefined
}
