import { redisStore } from '../../lib/store/redis.js'
import type { OpenStore } from './engines.js'
import { addressesOf, glide } from './glide.js'

export const open: OpenStore = async (url, options) => {
  if (!glide) throw new Error('Valkey GLIDE has no native part for this platform.')
  const connectionBackoff = { numberOfRetries: 10, factor: 50, exponentBase: 1 }
  // The store's own time limit decides. GLIDE's default of 250 ms is too short on a busy machine.
  const configuration = { addresses: addressesOf(url), connectionBackoff, requestTimeout: 10_000 }
  return redisStore(await glide.GlideClient.createClient(configuration), options)
}
