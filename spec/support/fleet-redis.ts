import { createClient } from 'redis'
import type { NodeRedisClient } from '../../lib/store/redis.js'

export const connect = (url: string): Promise<NodeRedisClient> =>
  createClient({ url, socket: { reconnectStrategy: () => 50 } })
    .on('error', () => {})
    .connect()
