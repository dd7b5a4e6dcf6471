/** Valkey GLIDE, which has a native part: there is none for some platforms. */
export const glide = await import('@valkey/valkey-glide').catch(() => undefined)

// It writes to the console by itself.
glide?.Logger.setLoggerConfig('off')

/** Where a Redis is, as GLIDE wants it. */
export const addressesOf = (url: string) => {
  const { hostname, port } = new URL(url)
  return [{ host: hostname, port: Number(port) }]
}
