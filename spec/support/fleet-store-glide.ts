import { redisStore } from '../../lib/store/redis.js'
import type { OpenStore } from './engines.js'
import { addressesOf, glide } from './glide.js'

export const open: OpenStore = async (url, options) => {
  if (!glide) throw new Error('Valkey GLIDE has no native part for this platform.')
  const connectionBackoff = { numberOfRetries: 10, factor: 50, exponentBase: 1 }
  return redisStore(await glide.GlideClient.createClient({ addresses: addressesOf(url), connectionBackoff }), options)
}
