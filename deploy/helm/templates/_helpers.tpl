{{- define "entrepot.name" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end }}

{{- define "entrepot.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "entrepot.labels" -}}
{{ include "entrepot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "entrepot.image" -}}
{{- if .Values.image.digest -}}{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}{{- else -}}{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}{{- end -}}
{{- end }}

{{- define "entrepot.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "entrepot.name" .) -}}
{{- end }}

{{- /* "true" where records are in PostgreSQL, so that pods may be several. */ -}}
{{- define "entrepot.shared" -}}
{{- if or (dig "database" "url" "" .Values.config) (hasKey .Values.secrets "ENTREPOT_DATABASE__URL") -}}true{{- end -}}
{{- end }}

{{- define "entrepot.onFiles" -}}
{{- if eq (dig "storage" "driver" "filesystem" .Values.config) "filesystem" -}}true{{- end -}}
{{- end }}

{{- /* "true" where something stays with the pods: records in SQLite, or blobs in files. */ -}}
{{- define "entrepot.keeps" -}}
{{- if or (include "entrepot.onFiles" .) (not (include "entrepot.shared" .)) -}}true{{- end -}}
{{- end }}

{{- define "entrepot.several" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) -}}true{{- end -}}
{{- end }}

{{- /* What would start and lose data, or never start, is refused here. */ -}}
{{- define "entrepot.check" -}}
{{- if and (include "entrepot.several" .) (not (include "entrepot.shared" .)) -}}
{{- fail "several pods need PostgreSQL: give secrets.ENTREPOT_DATABASE__URL, or config.database.url" -}}
{{- end -}}
{{- if and (include "entrepot.shared" .) (not (hasKey .Values.secrets "ENTREPOT_SECRET_KEY")) -}}
{{- fail "with PostgreSQL every pod needs the same key: give secrets.ENTREPOT_SECRET_KEY, made by openssl rand -base64 32" -}}
{{- end -}}
{{- if and (include "entrepot.several" .) (include "entrepot.onFiles" .) (not (and .Values.persistence.enabled (has "ReadWriteMany" .Values.persistence.accessModes))) -}}
{{- fail "several pods need blobs that all of them reach: object storage in config.storage, or persistence.accessModes [ReadWriteMany]" -}}
{{- end -}}
{{- if and (not .Values.persistence.enabled) (not (include "entrepot.shared" .)) -}}
{{- fail "without a volume the records of SQLite go with the pod: give persistence.enabled, or PostgreSQL" -}}
{{- end -}}
{{- end }}

{{- /* Settings that are the chart's to say win over those of the file, which win over defaults. */ -}}
{{- define "entrepot.environment" -}}
- name: ENTREPOT_DATA_DIRECTORY
  value: /data
- name: ENTREPOT_HTTP__ADDRESS
  value: 0.0.0.0:5000
- name: ENTREPOT_OPERATIONS__ADDRESS
  value: 0.0.0.0:5001
{{- if include "entrepot.shared" . }}
- name: ENTREPOT_CLUSTER__ADDRESS
  value: 0.0.0.0:5002
{{- end }}
{{- range $variable, $reference := .Values.secrets }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $reference.name }}
      key: {{ $reference.key }}
{{- end }}
{{- end }}

{{- define "entrepot.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "entrepot.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "entrepot.volumes" -}}
- name: config
  configMap:
    name: {{ include "entrepot.name" . }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
- name: data
{{- if and .Values.persistence.enabled (include "entrepot.keeps" .) }}
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim | default (include "entrepot.name" .) }}
{{- else }}
  emptyDir:
    sizeLimit: {{ .Values.scratchSize }}
{{- end }}
{{- range .Values.secretFiles }}
- name: secret-{{ . }}
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end }}

{{- define "entrepot.mounts" -}}
- name: config
  mountPath: /etc/entrepot
  readOnly: true
- name: tmp
  mountPath: /tmp
- name: data
  mountPath: /data
{{- range .Values.secretFiles }}
- name: secret-{{ . }}
  mountPath: /run/secrets/{{ . }}
  readOnly: true
{{- end }}
{{- end }}
