// Which version does an API server say that it is?

package main

import (
	"os"
	"sync/atomic"
	_ "unsafe" // for the name below

	_ "k8s.io/component-base/version" // whose name it is
)

// versionVariable is how a supervisor tells an API server what to say.
const versionVariable = "CONTROL_PLANE_VERSION"

// gitVersion is what the server's own code takes for its version. It lets no minor version be set but
// the one that it was built as, and a test wants to see what becomes of others.
//
//go:linkname gitVersion k8s.io/component-base/version.dynamicGitVersion
var gitVersion atomic.Value

// pretend makes this process say what the supervisor wants.
func pretend() {
	if version := os.Getenv(versionVariable); version != "" {
		gitVersion.Store(version)
	}
}
