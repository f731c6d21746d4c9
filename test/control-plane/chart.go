// What does a Helm chart become?
package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/strvals"
)

// printChart prints the objects of a chart as Helm makes them, in the order of its files.
func printChart(arguments []string) error {
	flags := flag.NewFlagSet("chart", flag.ExitOnError)
	folder := flags.String("folder", "", "the chart")
	name := flags.String("name", "pogu", "the release")
	namespace := flags.String("namespace", "kube-system", "where it is to be installed")
	version := flags.String("kube-version", "v1.36.0", "the version of the API server")
	set := map[string]any{}
	flags.Func("set", "a value, as NAME=VALUE; more than once", func(text string) error {
		return strvals.ParseInto(text, set)
	})
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	chart, err := loader.Load(*folder)
	if err != nil {
		return fmt.Errorf("cannot read the chart %s: %w", *folder, err)
	}
	server, err := chartutil.ParseKubeVersion(*version)
	if err != nil {
		return fmt.Errorf("cannot read the version %s: %w", *version, err)
	}
	release := chartutil.ReleaseOptions{Name: *name, Namespace: *namespace, Revision: 1, IsInstall: true}
	abilities := chartutil.DefaultCapabilities.Copy()
	abilities.KubeVersion = *server
	values, err := chartutil.ToRenderValues(chart, set, release, abilities)
	if err != nil {
		return fmt.Errorf("cannot use the values: %w", err)
	}
	rendered, err := engine.Render(chart, values)
	if err != nil {
		return fmt.Errorf("cannot render the chart %s: %w", *folder, err)
	}
	for _, file := range slices.Sorted(maps.Keys(rendered)) {
		text := strings.TrimSpace(rendered[file])
		if text != "" && strings.HasSuffix(file, ".yaml") {
			fmt.Printf("---\n%s\n", text)
		}
	}
	return nil
}
