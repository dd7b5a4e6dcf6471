import { Redis } from 'ioredis'
import { redisStore } from '../../lib/store/redis.js'
import type { OpenStore } from './engines.js'

export const open: OpenStore = async (url, options) =>
  redisStore(
    new Redis(url, { retryStrategy: () => 50 }).on('error', () => {}),
    options,
  )
