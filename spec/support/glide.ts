/** Valkey GLIDE, which has a native part that is missing on some platforms. */
export const glide = await import('@valkey/valkey-glide').catch(() => undefined)

// It logs to the console by default.
glide?.Logger.setLoggerConfig('off')

/** The address of a Redis, in GLIDE's form. */
export const addressesOf = (url: string) => {
  const { hostname, port } = new URL(url)
  return [{ host: hostname, port: Number(port) }]
}
