import { createClient } from 'redis'
import { redisStore } from '../../lib/store/redis.js'
import type { OpenStore } from './engines.js'

export const open: OpenStore = async (url, options) => {
  const client = createClient({ url, socket: { reconnectStrategy: () => 50 } }).on('error', () => {})
  return redisStore(await client.connect(), options)
}
