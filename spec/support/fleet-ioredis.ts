import { Redis } from 'ioredis'

export const connect = (url: string): Redis => new Redis(url, { retryStrategy: () => 50 }).on('error', () => {})
